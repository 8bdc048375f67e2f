import { readProperties } from "./read-properties.ts";

const FRAME_HEADER = 2;
const FRAME_END = 0xce;
/** A frame's type, channel and size. */
const BEFORE = 7;
const BASIC = 60;
/** Class, weight and size, before the properties. */
const FIXED = 12;

/** Of amqplib's connection: what it has read and not used yet, and how it takes the next frame of that. */
interface Inside {
  rest?: unknown;
  recvFrame?(): unknown;
}

/**
 * Has a connection of amqplib read the properties of messages as we do: amqplib ends the connection for headers of a type that it does
 * not know, and for some that are nested too deep, and the broker sends them again to the next one.
 */
export function readPropertiesOurselves(connection: object): void {
  const inside: Inside = connection;
  const { recvFrame } = inside;
  if (typeof recvFrame !== "function" || !Buffer.isBuffer(inside.rest)) return; // an amqplib that works in another way
  inside.recvFrame = () => takeProperties(inside) ?? recvFrame.call(inside);
}

/** The next frame, when it is whole and has a message's properties. */
function takeProperties(inside: Inside): unknown {
  const rest = inside.rest as Buffer;
  if (rest.length < BEFORE + FIXED || rest[0] !== FRAME_HEADER) return undefined;
  const end = BEFORE + rest.readUInt32BE(3);
  if (end < BEFORE + FIXED || rest[end] !== FRAME_END || rest.readUInt16BE(BEFORE) !== BASIC) return undefined;
  inside.rest = rest.subarray(end + 1);
  return {
    id: BASIC,
    channel: rest.readUInt16BE(1),
    size: Number(rest.readBigInt64BE(BEFORE + 4)),
    fields: readProperties(rest.subarray(BEFORE + FIXED, end)),
  };
}
