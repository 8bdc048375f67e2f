import { describe, expect, it } from "vitest";
import { backoffMs } from "./backoff.ts";

const DRAWS = 200;

function drawn(failures: number, backoff: Parameters<typeof backoffMs>[1], ...range: number[]): { least: number; most: number } {
  const draws = Array.from({ length: DRAWS }, () => backoffMs(failures, backoff, ...range));
  return { least: Math.min(...draws), most: Math.max(...draws) };
}

describe("a backoff", () => {
  const backoff = { minDelayMs: 100, maxDelayMs: 1000 };

  it("doubles from the first wait to the longest, and is at least half of that", () => {
    for (const [failures, exact] of [
      [1, 100],
      [2, 200],
      [4, 800],
      [5, 1000],
      [5000, 1000],
    ] as const) {
      const { least, most } = drawn(failures, backoff);
      expect(least).toBeGreaterThanOrEqual(exact / 2);
      expect(most).toBeLessThanOrEqual(exact);
      expect(most - least).toBeGreaterThan(exact / 4);
    }
  });

  it("is drawn from the range that is asked for, and never longer than the longest", () => {
    expect(drawn(2, backoff, 0).least).toBeLessThan(50);
    expect(backoffMs(2, backoff, 1)).toBe(200);
    expect(drawn(2, backoff, 0.5, 1.5).most).toBeGreaterThan(250);
    expect(drawn(9, backoff, 0.5, 1.5).most).toBe(1000);
  });

  it("grows by its multiplier, and not at all with 1", () => {
    expect(backoffMs(3, { ...backoff, multiplier: 1.5 }, 1)).toBe(225);
    expect(backoffMs(700, { ...backoff, multiplier: 1 }, 1)).toBe(100);
  });

  it("is no wait where the first one is none", () => {
    expect(backoffMs(5000, { ...backoff, minDelayMs: 0 })).toBe(0);
  });
});
