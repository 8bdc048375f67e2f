import { describe, expect, it } from "vitest";
import { cells, measured, summary } from "./outcome.ts";
import type { Pair } from "./run-pair.ts";

/** Pairs with these ratios, the old code at 1,000 ns. */
const pairs = (...ratios: readonly number[]): readonly Pair[] => ratios.map((ratio) => ({ old: 1000, new: 1000 / ratio, ratio }));

const slower = measured(pairs(0.8, 0.81, 0.79, 0.8));
const same = measured(pairs(0.99, 1.01, 1, 1));
const unsure = measured(pairs(0.7, 0.9, 1.2, 0.8));

describe("a row", () => {
  it("shows both medians, the ratio with its interval, and the verdict", () => {
    expect(cells(slower)).toEqual(["1000 ns", "1250 ns", "0.800", "0.787 to 0.813", "slower"]);
    expect(same.verdict).toBe("same");
  });

  it("says why it was not run, or failed", () => {
    expect([cells({ notRun: "no Java" }), cells({ failed: "old: no such export" })]).toEqual([["not run: no Java"], ["failed: old: no such export"]]);
  });
});

describe("the last line", () => {
  it("counts rows and slower ones, and holds when there is none of these", () => {
    expect(summary([same, slower, slower])).toEqual({ lines: ["compare: 3 rows, 2 slower"], holds: false });
    expect(summary([same, same])).toEqual({ lines: ["compare: 2 rows, 0 slower"], holds: true });
  });

  it("counts apart what failed, which does not hold, and what could not be run", () => {
    expect(summary([same, { notRun: "no Java" }])).toEqual({ lines: ["compare: 1 rows, 0 slower, 1 not run"], holds: true });
    expect(summary([same, { failed: "" }])).toEqual({ lines: ["compare: 1 rows, 0 slower, 1 failed"], holds: false });
  });

  it("comes after a warning when an interval is too wide to tell", () => {
    expect(summary([same, unsure]).lines[0]).toMatch(/^1 of the intervals are too wide to show a cost of 5 %/);
  });
});
