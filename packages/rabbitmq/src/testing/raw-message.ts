import type { Channel } from "amqplib";
import { rawChannel } from "../raw-channel.ts";

const HAS_HEADERS = 1 << 13;

/** Publishes to a queue with headers of any bytes, which amqplib itself would not write. */
export function publishRaw(channel: Channel, queue: string, table: Buffer, content: Buffer): void {
  const raw = rawChannel(channel);
  if (raw === undefined) throw new Error("this amqplib shows no channel to write to");
  const method = Buffer.concat([numbers([60, 2], [40, 2], [0, 2], [0, 1]), short(queue), numbers([0, 1])]);
  const header = Buffer.concat([numbers([60, 2], [0, 2], [0, 4], [content.length, 4], [HAS_HEADERS, 2], [table.length, 4]), table]);
  raw.write(Buffer.concat([frame(1, raw.number, method), frame(2, raw.number, header), frame(3, raw.number, content)]));
}

/** A field of a table: name, type, and the value's bytes. */
export function field(name: string, type: string, value: Buffer): Buffer {
  return Buffer.concat([short(name), Buffer.from(type), value]);
}

/** Bytes behind their number. */
export function sized(bytes: Buffer): Buffer {
  return Buffer.concat([numbers([bytes.length, 4]), bytes]);
}

/** A table in a table in a table… */
export function nested(levels: number): Buffer {
  let table = field("end", "t", Buffer.from([1]));
  for (let level = 0; level < levels; level++) table = field("in", "F", sized(table));
  return table;
}

function short(text: string): Buffer {
  return Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)]);
}

function frame(type: number, channel: number, payload: Buffer): Buffer {
  return Buffer.concat([numbers([type, 1], [channel, 2], [payload.length, 4]), payload, Buffer.from([0xce])]);
}

function numbers(...each: readonly (readonly [value: number, bytes: number])[]): Buffer {
  return Buffer.concat(
    each.map(([value, bytes]) => {
      const number = Buffer.alloc(bytes);
      number.writeUIntBE(value, 0, bytes);
      return number;
    }),
  );
}
