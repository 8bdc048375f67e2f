import { describe, expect, it } from "vitest";
import { median, quantile } from "./quantile.ts";

describe("quantile", () => {
  it("sorts by number and interpolates between neighbours", () => {
    expect([quantile([10, 9, 1, 2], 0), median([10, 9, 1, 2]), quantile([10, 9, 1, 2], 1)]).toEqual([1, 5.5, 10]);
  });

  it("refuses to make a figure out of nothing", () => {
    expect(() => median([])).toThrow("no value was measured");
  });
});
