import { describe, expect, it } from "vitest";
import { clipRanges, parseRanges, rangeText, rangeWalker } from "./offset-ranges.ts";

describe("offset ranges", () => {
  it("read what they write", () => {
    expect(parseRanges("")).toEqual([]);
    expect(parseRanges("3,5-9")).toEqual([
      [3, 3],
      [5, 9],
    ]);
    expect([rangeText(4, 4), rangeText(4, 6)]).toEqual(["4", "4-6"]);
  });

  it("are clipped to what lies after one offset and up to another", () => {
    expect(clipRanges("3,5-9,12", 5, 8)).toBe("6-8");
    expect(clipRanges("3,5-9,12", 0, 100)).toBe("3,5-9,12");
    expect(clipRanges("3", 3, 9)).toBe("");
  });

  it("say of ascending offsets whether they are in", () => {
    const isIn = rangeWalker("3,5-6");
    expect([1, 3, 4, 5, 6, 7].filter((offset) => isIn(offset))).toEqual([3, 5, 6]);
    expect(rangeWalker("")(1)).toBe(false);
  });
});
