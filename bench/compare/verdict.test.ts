import { describe, expect, it } from "vitest";
import { tooWide, verdict } from "./verdict.ts";

describe("verdict", () => {
  it("is slower only when the whole interval is below 0.95", () => {
    expect(verdict({ value: 0.9, low: 0.85, high: 0.949 })).toBe("slower");
    expect(verdict({ value: 0.8, low: 0.6, high: 0.95 })).toBe("same");
  });

  it("is faster only when the whole interval is above 1.05", () => {
    expect(verdict({ value: 1.1, low: 1.051, high: 1.2 })).toBe("faster");
    expect(verdict({ value: 1.3, low: 1.05, high: 1.6 })).toBe("same");
  });

  it("is the same in between", () => {
    expect(verdict({ value: 1, low: 0.96, high: 1.04 })).toBe("same");
  });
});

describe("tooWide", () => {
  it("tells an interval in which a cost of five parts in a hundred could hide", () => {
    expect([tooWide({ value: 1, low: 0.96, high: 1.04 }), tooWide({ value: 0.9, low: 0.84, high: 0.96 })]).toEqual([false, true]);
  });
});
