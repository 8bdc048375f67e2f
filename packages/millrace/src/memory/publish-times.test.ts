import { describe, expect, it } from "vitest";
import { PublishTimes } from "./publish-times.ts";

describe("PublishTimes", () => {
  it("tells of each offset the last mark before it", () => {
    const times = new PublishTimes();
    expect(times.at(1)).toBeUndefined();
    times.mark(1, 100, 1);
    times.mark(5, 200, 1);
    times.mark(9, 150, 1); // the clock was set back
    expect([1, 4, 5, 8, 9, 1000].map((offset) => times.at(offset))).toEqual([100, 100, 200, 200, 150, 150]);
  });

  it("forgets what lies before the oldest offset that can be asked for", () => {
    const times = new PublishTimes();
    for (let offset = 1; offset <= 100; offset++) times.mark(offset, offset * 10, Math.max(1, offset - 5));
    expect(times.size).toBeLessThan(10);
    expect(times.at(96)).toBe(960);
  });

  it("is coarser with a long backlog and not larger, and exact again when it is gone", () => {
    const times = new PublishTimes();
    for (let offset = 1; offset <= 100_000; offset++) times.mark(offset, offset * 10, 1);
    expect(times.size).toBeLessThan(1024);
    for (const offset of [1, 500, 50_000, 99_999]) {
      const earlyMs = offset * 10 - (times.at(offset) as number);
      expect(earlyMs).toBeGreaterThanOrEqual(0);
      expect(earlyMs).toBeLessThan(10_000);
    }
    for (let offset = 100_001; offset <= 200_000; offset++) times.mark(offset, offset * 10, offset - 10);
    expect(times.at(199_995)).toBe(1_999_950);
  });
});
