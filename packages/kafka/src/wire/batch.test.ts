import { Reader, readRecordsBatches } from "@platformatic/kafka";
import { describe, expect, it } from "vitest";
import type { RecordInit } from "../codec.ts";
import { BatchBuilder, type Compression } from "./batch-builder.ts";
import type { AbortedTransaction } from "./fetch-api.ts";
import { KafkaRecord } from "./record.ts";
import { RecordCursor } from "./record-cursor.ts";

const PLACE = { topic: "t", index: 3 };

function record(text: string, more: Partial<RecordInit> = {}): RecordInit {
  return { key: undefined, value: Buffer.from(text), headers: [], ...more };
}

interface Seal {
  readonly compression?: Compression;
  readonly producerId?: bigint;
  readonly transactional?: boolean;
  readonly baseOffset?: number;
  readonly control?: boolean;
}

function batch(
  records: readonly RecordInit[],
  { compression = "none", producerId, transactional = false, baseOffset = 0, control = false }: Seal = {},
): Buffer {
  const builder = new BatchBuilder();
  for (const [index, each] of records.entries()) builder.append(each, 1_700_000_000_000 + index * 7);
  const bytes = Buffer.from(
    builder.finish({ identity: producerId === undefined ? undefined : { producerId, epoch: 2 }, sequence: 40, compression, transactional }),
  );
  bytes.writeBigInt64BE(BigInt(baseOffset), 0);
  if (control) bytes.writeInt16BE(bytes.readInt16BE(21) | (1 << 5), 21);
  return bytes;
}

function read(data: Buffer, from = 0, aborted: readonly AbortedTransaction[] = []): KafkaRecord[] {
  const cursor = new RecordCursor(PLACE, data, from, aborted);
  const records: KafkaRecord[] = [];
  for (let next = cursor.take(); next !== undefined; next = cursor.take()) records.push(next);
  return records;
}

const texts = (records: readonly KafkaRecord[]): string[] => records.map(({ value }) => String(value));

describe("record batches", () => {
  it("are written as the client's own reader reads them", () => {
    const data = batch(
      [
        record("one", {
          key: "k",
          headers: [
            ["name", "value"],
            ["zażółć", Uint8Array.of(0xff, 0)],
            ["nothing", null],
            ["", ""],
          ],
        }),
        record("", { key: "" }),
        { key: Uint8Array.of(1, 2, 3), value: null, headers: [] },
      ],
      { producerId: 77n },
    );
    const [parsed] = readRecordsBatches(Reader.from(data));
    expect(parsed).toMatchObject({
      magic: 2,
      lastOffsetDelta: 2,
      producerId: 77n,
      producerEpoch: 2,
      firstSequence: 40,
      firstTimestamp: 1_700_000_000_000n,
      maxTimestamp: 1_700_000_000_014n,
    });
    expect(parsed?.length).toBe(data.length - 12);
    expect(parsed?.records.map(({ offsetDelta, timestampDelta }) => [offsetDelta, timestampDelta])).toEqual([
      [0, 0n],
      [1, 7n],
      [2, 14n],
    ]);
    const [first, second, third] = parsed?.records ?? [];
    expect([String(first?.key), String(first?.value)]).toEqual(["k", "one"]);
    expect(first?.headers).toEqual([
      [Buffer.from("name"), Buffer.from("value")],
      [Buffer.from("zażółć"), Buffer.of(0xff, 0)],
      [Buffer.from("nothing"), null],
      [Buffer.from(""), Buffer.from("")],
    ]);
    expect([second?.key?.length, second?.value?.length]).toEqual([0, 0]);
    expect([third?.key, third?.value]).toEqual([Buffer.of(1, 2, 3), null]);
  });

  it.each(["none", "gzip", "snappy", "lz4", "zstd"] as const)("are read as they were written with compression %s", (compression) => {
    const records = read(batch([record("a".repeat(5000), { key: "k", headers: [["h", "v"]] }), record("ż")], { compression, baseOffset: 500 }));
    expect(texts(records)).toEqual(["a".repeat(5000), "ż"]);
    expect(records.map(({ offset, timestamp, keyText }) => [offset, timestamp, keyText])).toEqual([
      [500, 1_700_000_000_000, "k"],
      [501, 1_700_000_000_007, undefined],
    ]);
  });

  it("hold a thousand records of very different sizes", () => {
    const sizes = Array.from({ length: 1000 }, (_, index) => (index * index * 37) % 3000);
    const records = read(batch(sizes.map((size) => record("x".repeat(size)))));
    expect(records.map(({ value }) => value?.length)).toEqual(sizes);
  });

  it("are read from the offset asked for, although the broker sends whole batches", () => {
    const data = Buffer.concat([batch([record("a"), record("b"), record("c")], { baseOffset: 10 }), batch([record("d")], { baseOffset: 13 })]);
    expect(texts(read(data, 12))).toEqual(["c", "d"]);
    expect(texts(read(data, 13))).toEqual(["d"]);
  });

  it("are left alone where the fetch ends in their middle", () => {
    const whole = batch([record("a")]);
    const cut = batch([record("b".repeat(100))], { baseOffset: 1 }).subarray(0, 90);
    expect(texts(read(Buffer.concat([whole, cut])))).toEqual(["a"]);
    expect(texts(read(Buffer.concat([whole, cut.subarray(0, 20)])))).toEqual(["a"]);
  });

  it("are stepped over where their transaction was aborted, and markers always", () => {
    const own = { transactional: true, producerId: 9n };
    const marker = (commits: boolean, baseOffset: number): Buffer =>
      batch([{ key: Buffer.of(0, 0, 0, commits ? 1 : 0), value: Buffer.alloc(6), headers: [] }], { ...own, control: true, baseOffset });
    const data = Buffer.concat([
      batch([record("plain")], { baseOffset: 0 }),
      batch([record("aborted")], { ...own, baseOffset: 1 }),
      batch([record("another's")], { transactional: true, producerId: 10n, baseOffset: 2 }),
      marker(false, 3),
      batch([record("committed")], { ...own, baseOffset: 4 }),
      marker(true, 5),
      batch([record("end")], { baseOffset: 6 }),
    ]);
    const cursor = new RecordCursor(PLACE, data, 0, [{ producerId: 9n, firstOffset: 1 }]);
    const got: KafkaRecord[] = [];
    for (let next = cursor.take(); next !== undefined; next = cursor.take()) got.push(next);
    expect(texts(got)).toEqual(["plain", "another's", "committed", "end"]);
    expect(cursor.next).toBe(7);
  });

  it("that cannot be read are told of once, and what is behind them is read", () => {
    const broken = batch([record("broken".repeat(50))], { compression: "gzip", baseOffset: 1 });
    broken.fill(0, 70, 80);
    const old = batch([record("old")], { baseOffset: 2 });
    old.writeInt8(1, 16);
    const short = batch([record("short"), record("short")], { baseOffset: 3 });
    short.fill(0x7f, 61, 64); // a length beyond the batch
    const data = Buffer.concat([batch([record("a")]), broken, old, short, batch([record("b")], { baseOffset: 5 })]);
    const cursor = new RecordCursor(PLACE, data, 0, []);
    const seen: (string | number)[] = [];
    for (let left = 10; left > 0; left--) {
      const next = cursor.take() ?? cursor.takeBroken();
      if (next === undefined) break;
      seen.push(next instanceof KafkaRecord ? String(next.value) : next.offset);
    }
    expect(seen).toEqual(["a", 1, 2, 3, "b"]);
    expect(cursor.next).toBe(6);
  });

  it("can be cut in two, and lose some of their records, before they are sent", () => {
    const builder = new BatchBuilder();
    for (let index = 0; index < 300; index++) builder.append(record(`v${index}`, { key: `k${index}` }), 5000 + index);
    const rest = new BatchBuilder();
    for (let place = 100; place < 300; place += 2) rest.appendFrom(builder, place);
    const records = read(rest.finish({ identity: undefined, sequence: 0, compression: "none", transactional: false }));
    expect(records.map(({ offset, timestamp, keyText }) => [offset, timestamp, keyText]).slice(0, 2)).toEqual([
      [0, 5100, "k100"],
      [1, 5102, "k102"],
    ]);
    expect(texts(records)).toEqual(Array.from({ length: 100 }, (_, index) => `v${100 + index * 2}`));
  });
});
