import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Arrivals } from "./arrivals.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("arrivals", () => {
  it("are spaced a millisecond apart, in the order in which they were asked for, none early", () => {
    const arrivals = new Arrivals();
    expect(Array.from({ length: 1_000 }, () => arrivals.take(50))).toEqual(Array.from({ length: 1_000 }, (_, index) => 50 + index));
  });

  it("keep their spacing while time goes on, and behind later ones nobody is in front", () => {
    const arrivals = new Arrivals();
    expect([arrivals.take(50), arrivals.take(50)]).toEqual([50, 51]);
    vi.advanceTimersByTime(30);
    expect([arrivals.take(20), arrivals.take(0), arrivals.take(100)]).toEqual([22, 23, 100]);
  });

  it("begin anew when the last one lies behind", () => {
    const arrivals = new Arrivals();
    arrivals.take(50);
    vi.advanceTimersByTime(1_000);
    expect([arrivals.take(0), arrivals.take(0)]).toEqual([0, 1]);
  });

  it("are never further off than ten seconds after they may be", () => {
    const arrivals = new Arrivals();
    const delays = Array.from({ length: 10_003 }, () => arrivals.take(50));
    expect(delays.slice(-3)).toEqual([10_050, 50, 51]);
  });
});
