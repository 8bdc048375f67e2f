import { MillraceError } from "millrace";
import { UNREAD_HEADER } from "../own-headers.ts";
import { readTable } from "./read-table.ts";

/** The properties of a message as amqplib shows them, in AMQP's order: each has a bit, the highest first. */
export interface Properties {
  contentType: unknown;
  contentEncoding: unknown;
  headers: unknown;
  deliveryMode: unknown;
  priority: unknown;
  correlationId: unknown;
  replyTo: unknown;
  expiration: unknown;
  messageId: unknown;
  timestamp: unknown;
  type: unknown;
  userId: unknown;
  appId: unknown;
  clusterId: unknown;
}

const HIGHEST = 0x8000;

/**
 * Reads the properties of a message, the bytes that follow its size. Does not throw: where they cannot be read, the headers are one
 * header of ours with the bytes, so that nothing is lost and `unreadError` tells of it.
 */
export function readProperties(bytes: Buffer): Properties {
  const properties = none();
  try {
    fill(properties, bytes);
  } catch {
    properties.headers = { [UNREAD_HEADER]: Buffer.from(bytes) };
  }
  return properties;
}

/** Why a message's headers could not be read; `undefined` where they could. */
export function unreadError(headers: Readonly<Record<string, unknown>> | undefined): MillraceError | undefined {
  const unread = headers !== undefined && Object.hasOwn(headers, UNREAD_HEADER) ? headers[UNREAD_HEADER] : undefined;
  if (!Buffer.isBuffer(unread)) return undefined;
  try {
    fill(none(), unread);
  } catch (error) {
    return MillraceError.is(error) ? error : new MillraceError("the properties end in the middle of a value", { code: "UNDECODABLE", cause: error });
  }
  return undefined;
}

function fill(properties: Properties, bytes: Buffer): void {
  const flags = bytes.readUInt16BE(0);
  let at = 2;
  let headers: Buffer | undefined;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError("too short");
    at += length;
    return bytes.subarray(at - length, at);
  };
  let bit = HIGHEST << 1;
  for (const each in properties) {
    const name = each as keyof Properties;
    bit >>= 1;
    if ((flags & bit) === 0) continue;
    if (name === "headers") headers = take(take(4).readUInt32BE());
    else if (name === "deliveryMode" || name === "priority") properties[name] = take(1)[0];
    else if (name === "timestamp") properties.timestamp = Number(take(8).readBigUInt64BE());
    else properties[name] = take(take(1)[0] as number).toString();
  }
  if (headers !== undefined) properties.headers = readTable(headers); // last: the others are there when it cannot be read
}

function none(): Properties {
  return {
    ...{ contentType: undefined, contentEncoding: undefined, headers: undefined, deliveryMode: undefined, priority: undefined },
    ...{ correlationId: undefined, replyTo: undefined, expiration: undefined, messageId: undefined, timestamp: undefined },
    ...{ type: undefined, userId: undefined, appId: undefined, clusterId: undefined },
  };
}
