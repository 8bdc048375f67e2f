import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Caution } from "./caution.ts";

const KIB = 1024;

describe("what may end the channel", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("goes alone: the first one, and each that is larger than all before, until the broker has looked at it", () => {
    const caution = new Caution(() => {});
    expect([caution.mustWait(0, 0), caution.admit(0), caution.mustWait(1, 1)]).toEqual([false, true, true]);
    caution.passed();
    expect([caution.mustWait(10 * KIB, 1), caution.admit(10 * KIB)]).toEqual([false, false]);
    expect(caution.mustWait(50 * KIB, 2)).toBe(true);
    expect([caution.mustWait(50 * KIB, 0), caution.admit(50 * KIB), caution.mustWait(1, 1)]).toEqual([false, true, true]);
    caution.passed();
    expect([caution.mustWait(50 * KIB, 1), caution.admit(50 * KIB), caution.mustWait(51 * KIB, 2)]).toEqual([false, false, true]);
  });

  it("leaves the others alone when it was not sent after all, and proves nothing", () => {
    const wake = vi.fn();
    const caution = new Caution(wake);
    caution.admit(50 * KIB);
    caution.withdraw(50 * KIB);
    expect(wake).toHaveBeenCalledTimes(1);
    expect([caution.mustWait(50 * KIB, 0), caution.admit(50 * KIB)]).toEqual([false, true]);
  });

  it("waits a second at most for those whose confirmation does not come", () => {
    const wake = vi.fn();
    const caution = new Caution(wake);
    caution.admit(1);
    caution.passed();
    wake.mockClear();
    expect(caution.mustWait(50 * KIB, 1)).toBe(true);
    vi.advanceTimersByTime(1_000);
    expect(wake).toHaveBeenCalledTimes(1);
    expect([caution.mustWait(50 * KIB, 1), caution.admit(50 * KIB), caution.mustWait(1, 2)]).toEqual([false, true, true]);
    caution.passed();
    expect(caution.mustWait(60 * KIB, 1)).toBe(true);
    caution.end();
    expect(vi.getTimerCount()).toBe(0);
  });
});
