import { describe, expect, it } from "vitest";
import { readRanges, writeRanges } from "./settled-ranges.ts";

describe("settled ranges", () => {
  it("are read back as they were written", () => {
    const ranges = [
      { begin: 1003, end: 1004 },
      { begin: 1010, end: 1300 },
      { begin: 90_000_000_001, end: 90_000_000_002 },
    ];
    const { text, covered } = writeRanges(1000, ranges);
    expect(readRanges(1000, text)).toEqual(ranges);
    expect(covered).toBe(Number.POSITIVE_INFINITY);
  });

  it("are an empty text when there are none", () => {
    expect(writeRanges(5, []).text).toBe("");
    expect(readRanges(5, "")).toEqual([]);
  });

  it("stay below what Kafka takes, and tell how far they go", () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({ begin: 1 + index * 2, end: 2 + index * 2 }));
    const { text, covered } = writeRanges(0, many);
    expect(Buffer.byteLength(text)).toBeLessThan(4096);
    const read = readRanges(0, text);
    expect(read).toEqual(many.slice(0, read.length));
    expect(covered).toBe(read.at(-1)?.end);
  });

  it("are nothing where another client has written the text", () => {
    for (const text of [undefined, null, "sarama", "millrace1:", "millrace1:zz", "millrace1:1.2,x"]) expect(readRanges(7, text)).toEqual([]);
  });
});
