import { Received } from "millrace/adapter";
import { describe, expect, it } from "vitest";
import { watermillCodec } from "./codec.ts";
import { PartitionReader, type PartitionRecord } from "./partition-reader.ts";
import { BatchBuilder } from "./wire/batch-builder.ts";
import { BrokenBatch } from "./wire/record-cursor.ts";

/** Records of one batch from that offset on. */
function batch(offset: number, count: number, { epoch = 0, broken = false } = {}): Buffer {
  const builder = new BatchBuilder();
  for (let index = 0; index < count; index++) builder.append({ key: undefined, value: Buffer.from("v".repeat(50)), headers: [] }, 1_700_000_000_000);
  const bytes = builder.finish({ identity: undefined, sequence: 0, compression: broken ? "gzip" : "none", transactional: false });
  bytes.writeBigInt64BE(BigInt(offset), 0);
  bytes.writeInt32BE(epoch, 12);
  if (broken) bytes.fill(0, 70, 80);
  return bytes;
}

function takeAll(reader: PartitionReader): NonNullable<ReturnType<PartitionReader["take"]>>[] {
  return Array.from({ length: 100 }, () => reader.take()).filter((taken) => taken !== undefined);
}

describe("PartitionReader", () => {
  it("keeps what was settled beyond the prefix before it came, also when it has read into the middle of it", () => {
    const reader = new PartitionReader("t", 0, 5, [{ begin: 7, end: 12 }]);
    expect(reader.settledBeyond()).toEqual([{ begin: 7, end: 12 }]);
    reader.restart(9);
    expect(reader.settledBeyond()).toEqual([{ begin: 9, end: 12 }]);
    expect(reader.settledTo).toBe(9);
  });

  it("tells its lag once it knows the end of the log, without what was settled beyond the prefix", () => {
    const reader = new PartitionReader("t", 0, 5, [{ begin: 7, end: 12 }]);
    expect(reader.lag).toBeUndefined();
    reader.end = 20;
    expect(reader.lag).toBe(10);
    reader.restart(9);
    expect(reader.lag).toBe(8);
    reader.restart(20);
    expect([reader.lag, reader.oldestAt]).toEqual([0, undefined]);
  });

  it("forgets it once that is read", () => {
    const reader = new PartitionReader("t", 0, 5, [{ begin: 7, end: 12 }]);
    reader.restart(12);
    expect(reader.settledBeyond()).toEqual([]);
  });

  it("does not step over a batch that cannot be read before that is settled, and gives it out again where it could not be put elsewhere", () => {
    const reader = new PartitionReader("t", 0, 0);
    reader.addFetched(Buffer.concat([batch(0, 1), batch(1, 3, { broken: true }), batch(4, 1)]), []);
    const [first, broken, last] = takeAll(reader);
    expect(broken).toBeInstanceOf(BrokenBatch);
    for (const each of [first, last]) if (each !== undefined) reader.settle(each);
    expect([reader.settledTo, reader.settledBeyond(), reader.out]).toEqual([1, [{ begin: 4, end: 5 }], 1]);
    reader.untake(broken as BrokenBatch);
    expect([reader.settledTo, reader.out, reader.hasMore]).toEqual([1, 0, true]);
    expect(takeAll(reader)).toEqual([broken]);
    reader.settle(broken as BrokenBatch);
    expect([reader.settledTo, reader.settledBeyond(), reader.out]).toEqual([5, [], 0]);
  });

  it("steps over the whole of a batch that breaks in its middle, also at the end of what was fetched", () => {
    const reader = new PartitionReader("t", 0, 0);
    const bytes = batch(0, 3);
    bytes[61] = 0x7f; // the first record's length
    reader.addFetched(bytes, []);
    const [broken] = takeAll(reader);
    reader.settle(broken as BrokenBatch);
    expect([reader.settledTo, reader.position]).toEqual([3, 3]);
  });

  it("knows under which leader the record before an offset was written", () => {
    const reader = new PartitionReader("t", 0, 5, [], undefined, 1);
    reader.addFetched(Buffer.concat([batch(5, 2, { epoch: 1 }), batch(7, 2, { epoch: 4 })]), []);
    expect([5, 7, 8, 9].map((offset) => reader.epochBefore(offset))).toEqual([1, 1, 4, 4]);
    expect(new PartitionReader("t", 0, 5).epochBefore(5)).toBe(-1);
  });

  it("begins anew where its log was cut off, with what is settled before that, or at its first unsettled record before", () => {
    const reader = new PartitionReader("t", 0, 0);
    reader.addFetched(Buffer.concat([batch(0, 10, { epoch: 2 })]), []);
    const records = takeAll(reader);
    for (const index of [0, 1, 4, 5, 8]) reader.settle(records[index] as (typeof records)[number]);
    const cut = reader.cutOff(5);
    expect([cut.position, cut.settledTo, cut.settledBeyond(), cut.committed, cut.epochBefore(2)]).toEqual([2, 2, [{ begin: 4, end: 5 }], -1, 2]);
    expect(reader.cutOff(1).position).toBe(1);
  });

  it("gives out again in order what was given back, whatever came back first", () => {
    const reader = new PartitionReader("t", 0, 0);
    reader.addFetched(batch(0, 4), []);
    const all = takeAll(reader).map((record) => new Received(watermillCodec().decode(record as PartitionRecord), record as PartitionRecord));
    reader.giveBack(all.slice(3));
    reader.giveBack(all.slice(1, 3));
    expect(Array.from({ length: 4 }, () => reader.takeReturned()?.receipt.offset)).toEqual([1, 2, 3, undefined]);
  });
});
