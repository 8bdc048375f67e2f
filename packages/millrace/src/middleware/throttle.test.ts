import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MillraceError, OptionError } from "../errors/index.ts";
import { Message } from "../message/index.ts";
import { callBehind, received } from "./received.fixture.ts";
import { throttle } from "./throttle.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function recorder() {
  const began = performance.now();
  const at: number[] = [];
  const handle = () => {
    at.push(performance.now() - began);
    return new Message("out");
  };
  return { at, handle };
}

describe("throttle", () => {
  it("lets the first call go at once, without a promise", () => {
    const { handle } = recorder();
    expect(throttle({ count: 10 })(handle)(received())).toBeInstanceOf(Message);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("spaces calls evenly, in order, and passes results through", async () => {
    const { at, handle } = recorder();
    const chain = throttle({ count: 10, intervalMs: 1_000 })(handle);
    const results = Promise.all(Array.from({ length: 5 }, () => chain(received())));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(at).toEqual([0, 100, 200, 300, 400]);
    expect((await results).every((one) => one instanceof Message)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("saves up no turns while nobody calls", async () => {
    const { at, handle } = recorder();
    const chain = throttle({ count: 10 })(handle);
    await chain(received());
    await vi.advanceTimersByTimeAsync(10_000);
    const results = Promise.all([chain(received()), chain(received())]);
    await vi.advanceTimersByTimeAsync(100);
    await results;
    expect(at).toEqual([0, 10_000, 10_100]);
  });

  it("is one budget for all handlers of an instance", async () => {
    const { at, handle } = recorder();
    const shared = throttle({ count: 10 });
    const results = Promise.all([shared(handle)(received()), shared(handle)(received()), throttle({ count: 10 })(handle)(received())]);
    await vi.advanceTimersByTimeAsync(100);
    await results;
    expect(at).toEqual([0, 0, 100]);
  });

  it("keeps rates above what single timers can express", async () => {
    const { at, handle } = recorder();
    const chain = throttle({ count: 10_000 })(handle);
    const results = Promise.all(Array.from({ length: 1_000 }, () => chain(received())));
    await vi.advanceTimersByTimeAsync(105);
    await results;
    expect(at).toHaveLength(1_000);
    expect(at.at(-1)).toBeGreaterThan(95);
  });

  it("fails a call whose message's signal aborts while it waits, which takes no turn and leaves no timer", async () => {
    const { at, handle } = recorder();
    const chain = throttle({ count: 10 })(handle);
    await chain(received());
    const lost = new MillraceError("lost", { code: "DELIVERY_LOST" });
    const cancelled = received();
    const outcome = expect(chain(cancelled)).rejects.toBe(lost);
    const after = chain(received());
    cancelled.lose(lost);
    await outcome;
    await vi.advanceTimersByTimeAsync(100);
    await after;
    expect(at).toEqual([0, 100]);

    const last = received();
    const end = expect(chain(last)).rejects.toBe(lost);
    last.lose(lost);
    await end;
    expect(vi.getTimerCount()).toBe(0);
    await expect(chain(last)).rejects.toBe(lost); // aborted before it could wait
  });

  it("rests while it waits, in a way that time limits do not count", async () => {
    const { handle } = recorder();
    const chain = throttle({ count: 10 })(handle);
    const [first, second] = [received(), received()];
    await chain(first);
    expect(callBehind(first).rests).toEqual([]);
    const waiting = chain(second);
    expect(callBehind(second).resting).toBe(true);
    await vi.advanceTimersByTimeAsync(100);
    await waiting;
    expect(callBehind(second).resting).toBe(false);
  });

  it("ends a wait at once when the router drains: no call, and no turn taken", async () => {
    const { at, handle } = recorder();
    const chain = throttle({ count: 10 })(handle);
    await chain(received());
    const drained = received();
    const outcome = chain(drained) as Promise<unknown>;
    const other = chain(received());
    const back = callBehind(drained).drain();
    await expect(outcome).rejects.toBe(back);
    await vi.advanceTimersByTimeAsync(100);
    await other;
    expect(at).toEqual([0, 100]);
    // Draining already: it does not even begin to wait.
    await expect(chain(drained)).rejects.toBe(back);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("waits in the same way where there is no router", async () => {
    for (const behind of ["adapter", "nobody"] as const) {
      const { at, handle } = recorder();
      const chain = throttle({ count: 10 })(handle);
      const results = Promise.all([chain(received({ behind })), chain(received({ behind }))]);
      await vi.advanceTimersByTimeAsync(100);
      await results;
      expect(at).toEqual([0, 100]);
    }
  });

  it("refuses bad options, all at once", () => {
    expect(() => throttle({ count: 0, intervalMs: 0 })).toThrow(/count.*intervalMs/);
    expect(() => throttle({} as never)).toThrow(OptionError);
    expect(() => throttle({ count: Number.NaN })).toThrow(OptionError);
  });
});
