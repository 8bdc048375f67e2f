import { describe, expect, it } from "vitest";
import { PartitionReader } from "../partition-reader.ts";
import { BatchBuilder, type Compression } from "./batch-builder.ts";
import { KafkaRecord } from "./record.ts";
import { BrokenBatch, RecordCursor } from "./record-cursor.ts";

const PLACE = { topic: "t", index: 0 };

function batch(baseOffset: number, count: number, compression: Compression = "none"): Buffer {
  const builder = new BatchBuilder();
  for (let index = 0; index < count; index++)
    builder.append(
      {
        key: "key",
        value: Buffer.from(`value ${index}`),
        headers: [
          ["name", "value"],
          ["_watermill_message_uuid", `id ${index}`],
        ],
      },
      1_700_000_000_000 + index,
    );
  const bytes = Buffer.from(builder.finish({ identity: undefined, sequence: 0, compression, transactional: false }));
  bytes.writeBigInt64BE(BigInt(baseOffset), 0);
  return bytes;
}

/** All that is in a fetch: ids of records, offsets of what cannot be read. Everything that can be asked of a record is asked. */
function readAll(data: Buffer): (string | number)[] {
  const cursor = new RecordCursor(PLACE, data, 0, []);
  const seen: (string | number)[] = [];
  for (;;) {
    const next = cursor.take() ?? cursor.takeBroken();
    if (next === undefined) return seen;
    if (next instanceof BrokenBatch) seen.push(next.offset);
    else {
      void [next.key, next.keyText, next.value, next.headers, next.readMetadata()];
      seen.push(next.id);
    }
    if (seen.length > 10_000) throw new Error("it finds no end");
  }
}

/** A marker of a transaction, with a key of any length. */
function marker(baseOffset: number, key: Buffer): Buffer {
  const builder = new BatchBuilder();
  builder.append({ key, value: Buffer.alloc(6), headers: [] }, 1);
  const bytes = Buffer.from(builder.finish({ identity: { producerId: 9n, epoch: 0 }, sequence: 0, compression: "none", transactional: true }));
  bytes.writeBigInt64BE(BigInt(baseOffset), 0);
  bytes.writeInt16BE(bytes.readInt16BE(21) | (1 << 5), 21);
  return bytes;
}

describe("batches that nobody sends on purpose", () => {
  it.each([-2_147_483_648, -61, -13, -12, -11, 0, 48])("of a length of %i bytes are told of once, and reading goes on behind their first offset", (length) => {
    const bad = batch(1, 2);
    bad.writeInt32BE(length, 8);
    const data = Buffer.concat([batch(0, 1), bad]);
    expect(readAll(data)).toEqual(["id 0", 1]);
    const reader = new PartitionReader("t", 0, 0);
    reader.addFetched(data, []);
    expect(reader.position).toBe(2);
    const taken = Array.from({ length: 4 }, () => reader.take());
    expect(taken.map((each) => (each instanceof KafkaRecord ? each.id : each?.offset))).toEqual(["id 0", 1, undefined, undefined]);
  });

  it("that say they end before they begin are read all the same", () => {
    const bad = batch(1, 1);
    bad.writeInt32BE(-5, 23);
    const reader = new PartitionReader("t", 0, 0);
    reader.addFetched(Buffer.concat([bad, batch(2, 1)]), []);
    expect(Array.from({ length: 3 }, () => reader.take()).map((each) => each?.offset)).toEqual([1, 2, undefined]);
    expect(reader.position).toBe(3);
  });

  it("may be markers with a key of any length: they hold nobody up", () => {
    for (let length = 0; length <= 6; length++) expect(readAll(Buffer.concat([marker(0, Buffer.alloc(length)), batch(1, 1)]))).toEqual(["id 0"]);
    const short = marker(0, Buffer.alloc(4));
    short.writeInt32BE(short.length - 12 - 12, 8); // cut in the middle of its record
    expect(readAll(Buffer.concat([short.subarray(0, short.length - 12), batch(1, 1)])).at(-1)).toBe("id 0");
  });

  it("with a billion headers cost no time", () => {
    const bad = batch(0, 1);
    const at = bad.indexOf("value 0") + "value 0".length;
    Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07]).copy(bad, at);
    const began = performance.now();
    expect(readAll(Buffer.concat([bad, batch(1, 1)]))).toEqual([0, "id 0"]);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it("of bytes changed by chance throw nothing, find an end, and count as decoded only what can be read whole", () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const whole = Buffer.concat([batch(0, 3), batch(3, 2), batch(5, 1)]);
    let broken = 0;
    for (let round = 0; round < 20_000; round++) {
      const data = Buffer.from(whole);
      for (let changes = 1 + random(3); changes > 0; changes--) data[random(data.length)] = random(4) === 0 ? 0xff : random(256);
      const cut = random(4) === 0 ? data.subarray(0, random(data.length)) : data;
      if (readAll(cut).some((each) => typeof each === "number")) broken++;
      const reader = new PartitionReader("t", 0, 0);
      reader.addFetched(cut, []);
      expect(reader.position).toBeGreaterThanOrEqual(0);
    }
    expect(broken).toBeGreaterThan(2_000);
  });
});
