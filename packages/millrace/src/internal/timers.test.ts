import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sleep, startTimer, stopTimer } from "./timers.ts";

const DAY = 86_400_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a wait longer than a timer of the platform can last, which is 24 days", () => {
  it("ends when its time is over, to the millisecond, and not before", () => {
    const run = vi.fn();
    startTimer(run, 60 * DAY);
    vi.advanceTimersByTime(60 * DAY - 1);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("can be ended in each of its parts", () => {
    const run = vi.fn();
    for (const days of [0, 20, 30, 59]) {
      const timer = startTimer(run, 60 * DAY);
      vi.advanceTimersByTime(days * DAY);
      stopTimer(timer);
      expect(vi.getTimerCount()).toBe(0);
    }
    vi.advanceTimersByTime(60 * DAY);
    expect(run).not.toHaveBeenCalled();
  });

  it("never ends when it is for ever", () => {
    const run = vi.fn();
    const timer = startTimer(run, Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(1000 * DAY);
    expect(run).not.toHaveBeenCalled();
    stopTimer(timer);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends at once when its signal aborts", async () => {
    const stop = new AbortController();
    const slept = sleep(60 * DAY, stop.signal);
    vi.advanceTimersByTime(30 * DAY);
    stop.abort(new Error("enough"));
    await expect(slept).rejects.toThrow("enough");
    expect(vi.getTimerCount()).toBe(0);
  });
});
