import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { whileBusy } from "./while-busy.ts";

const BUSY = new Error("busy");
const rules = { minDelayMs: 10, maxDelayMs: 40, isBusy: (error: unknown): boolean => error === BUSY };

/** Throws the errors in turn, then answers. */
function failing(...errors: Error[]): () => string {
  return () => {
    const error = errors.shift();
    if (error !== undefined) throw error;
    return "done";
  };
}

describe("whileBusy", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it("answers at once where the work does", () => {
    expect(whileBusy(failing(), rules)).toBe("done");
    expect(() => whileBusy(failing(new Error("broken")), rules)).toThrow("broken");
  });

  it("tries again after a wait that grows, until it succeeds", async () => {
    const told: unknown[] = [];
    const done = whileBusy(failing(BUSY, BUSY, BUSY), { ...rules, onBusy: (error, failures) => told.push(error, failures) });
    await vi.advanceTimersByTimeAsync(34);
    expect(told).toEqual([BUSY, 1, BUSY, 2, ...told.slice(4)]);
    await vi.advanceTimersByTimeAsync(36);
    expect(await done).toBe("done");
    expect(told).toEqual([BUSY, 1, BUSY, 2, BUSY, 3]);
  });

  it("tries work again that answers later, and ends at an error that does not pass", async () => {
    const work = failing(BUSY, new Error("broken"), new Error("broken at once"));
    const onBusy = vi.fn();
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const done = expect(whileBusy(async () => work(), { ...rules, onBusy })).rejects.toThrow("broken");
    await vi.advanceTimersByTimeAsync(6); // of 7.5
    expect(onBusy.mock.calls).toEqual([[BUSY, 1]]);
    await vi.advanceTimersByTimeAsync(4);
    await done;
    await expect(whileBusy(async () => work(), { ...rules, onBusy })).rejects.toThrow("broken at once");
    expect(onBusy).toHaveBeenCalledOnce();
  });

  it("tries once more when its patience ends, and passes the last error on", async () => {
    let tries = 0;
    const began = Date.now();
    const work = (): never => {
      tries++;
      throw BUSY;
    };
    const done = expect(whileBusy(work, { ...rules, minDelayMs: 30, patienceMs: 100 })).rejects.toBe(BUSY);
    await vi.advanceTimersByTimeAsync(100);
    await done;
    expect(Date.now() - began).toBe(100);
    expect(tries).toBeGreaterThanOrEqual(4);
    expect(() => whileBusy(work, { ...rules, patienceMs: 0 })).toThrow(BUSY);
  });

  it("begins with a wait where tries have failed before, and ends with its signal", async () => {
    const stop = new AbortController();
    const work = vi.fn(failing());
    const done = expect(whileBusy(work, { ...rules, failures: 3, signal: stop.signal })).rejects.toThrow("stopped");
    await vi.advanceTimersByTimeAsync(19);
    expect(work).not.toHaveBeenCalled();
    stop.abort(new Error("stopped"));
    await done;
    expect(work).not.toHaveBeenCalled();
  });
});
