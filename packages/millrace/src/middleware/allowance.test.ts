import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Allowance } from "./allowance.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(leftMs: number) {
  const began = performance.now();
  const at: number[] = [];
  return { at, allowance: new Allowance(leftMs, () => void at.push(performance.now() - began)) };
}

describe("an allowance of time", () => {
  it("is used up only while it goes, and told once", () => {
    const { at, allowance } = setUp(100);
    vi.advanceTimersByTime(500);
    allowance.go();
    vi.advanceTimersByTime(60);
    allowance.stand();
    vi.advanceTimersByTime(500);
    allowance.go();
    vi.advanceTimersByTime(39);
    expect(at).toEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(at).toEqual([1_100]);
  });

  it("of which more than all was used up before it went is over at once, without a negative delay, of which Node would warn", () => {
    const setTimer = vi.spyOn(globalThis, "setTimeout");
    const { at, allowance } = setUp(-26.5);
    allowance.go();
    vi.advanceTimersByTime(0);
    expect(at).toEqual([0]);
    expect(setTimer.mock.calls.map(([, delayMs]) => delayMs)).toEqual([0]);
  });

  it("takes being told to go or to stand twice for once", () => {
    const { at, allowance } = setUp(100);
    allowance.stand();
    allowance.go();
    vi.advanceTimersByTime(50);
    allowance.go();
    vi.advanceTimersByTime(20);
    allowance.stand();
    vi.advanceTimersByTime(20);
    allowance.stand();
    allowance.go();
    vi.advanceTimersByTime(30);
    expect(at).toEqual([120]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is spent at once when nothing is left, and never early", () => {
    const none = setUp(-5);
    none.allowance.go();
    vi.advanceTimersByTime(0);
    expect(none.at).toEqual([0]);
    const fraction = setUp(10.4);
    fraction.allowance.go();
    vi.advanceTimersByTime(10);
    expect(fraction.at).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fraction.at).toEqual([11]);
  });

  it("never goes again once it has ended", () => {
    const { at, allowance } = setUp(100);
    allowance.go();
    allowance.end();
    allowance.go();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(1_000);
    expect(at).toEqual([]);
  });
});
