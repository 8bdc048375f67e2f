import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MillraceError, OptionError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { sleep } from "../internal/timers.ts";
import { rest } from "../message/in-hand.ts";
import { type Handler, Message } from "../message/index.ts";
import { callBehind, received } from "./received.fixture.ts";
import { retry } from "./retry.ts";
import { throttle } from "./throttle.ts";
import { timeout } from "./timeout.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = () => new Promise<never>(() => {});

describe("timeout", () => {
  it("fails a handler that takes too long, with the reason of the signal it was given", async () => {
    const message = received();
    let reason: unknown;
    const handle = timeout(50)((view) => {
      view.signal.addEventListener("abort", () => (reason = view.signal.reason));
      return never();
    });
    const outcome = expect(handle(message)).rejects.toMatchObject({ code: "HANDLER_TIMEOUT", retryable: true });
    await vi.advanceTimersByTimeAsync(49);
    expect(reason).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    await outcome;
    expect(MillraceError.is(reason) && reason.code).toBe("HANDLER_TIMEOUT");
  });

  it("leaves the signal of the message outside alone", async () => {
    const message = received();
    await Promise.all([expect(timeout(5)(never)(message)).rejects.toThrow("within 5 ms"), vi.advanceTimersByTimeAsync(5)]);
    expect(message.signal.aborted).toBe(false);
  });

  it("runs no timer and makes no promise for a synchronous handler, and lets its result stand", () => {
    const produced = new Message("1");
    const result = timeout(1)(() => {
      vi.advanceTimersByTime(10);
      return produced;
    })(received());
    expect(result).toBe(produced);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("counts the time that passed before the handler gave its promise", async () => {
    const handle = timeout(50)(() => {
      vi.advanceTimersByTime(40);
      return never();
    });
    const outcome = expect(handle(received())).rejects.toMatchObject({ code: "HANDLER_TIMEOUT" });
    await vi.advanceTimersByTimeAsync(10);
    await outcome;
  });

  it("stops its timer and ends the signal it gave when the handler ends in time, either way", async () => {
    const message = received();
    const remove = vi.spyOn(message.signal, "removeEventListener");
    const signals: AbortSignal[] = [];
    const failure = new Error("boom");
    await timeout(50)(async (view) => void signals.push(view.signal))(message);
    await expect(
      timeout(50)(async (view) => {
        signals.push(view.signal);
        throw failure;
      })(message),
    ).rejects.toBe(failure);
    expect(() =>
      timeout(50)((view) => {
        signals.push(view.signal);
        throw failure;
      })(message),
    ).toThrow(failure);
    expect(signals.map((signal) => signal.reason.code)).toEqual(["HANDLING_ENDED", "HANDLING_ENDED", "HANDLING_ENDED"]);
    expect(vi.getTimerCount()).toBe(0);
    expect(remove).toHaveBeenCalledTimes(2);
    expect(message.signal.aborted).toBe(false);
  });

  it("follows the message's own signal, with its reason", async () => {
    for (const when of ["before", "during"]) {
      const message = received();
      const lost = new MillraceError("lost", { code: "DELIVERY_LOST" });
      if (when === "before") message.abort(lost);
      const outcome = expect(timeout(1_000)((view) => sleep(500, view.signal))(message)).rejects.toBe(lost);
      if (when === "during") message.abort(lost);
      await vi.advanceTimersByTimeAsync(500);
      await outcome;
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  it("gives each attempt of a retry outside a fresh signal and the full time", async () => {
    const signals: AbortSignal[] = [];
    const handle = retry({ maxRetries: 2, minDelayMs: 10, multiplier: 1, jitter: 0 })(
      timeout(50)(async (view) => {
        signals.push(view.signal);
        expect(view.signal.aborted).toBe(false);
        if (signals.length < 3) await sleep(60_000, view.signal);
        return new Message("done");
      }),
    );
    const result = handle(received()) as Promise<Message>;
    await vi.advanceTimersByTimeAsync(50 + 10 + 50 + 10);
    expect((await result).text()).toBe("done");
    expect(signals.map((signal) => signal.reason.code)).toEqual(["HANDLER_TIMEOUT", "HANDLER_TIMEOUT", "HANDLING_ENDED"]);
    expect(new Set(signals).size).toBe(3);
  });

  it("ends a retry inside at its own time, without another attempt", async () => {
    let calls = 0;
    const handle = timeout(50)(
      retry({ maxRetries: 100, minDelayMs: 20, multiplier: 1, jitter: 0 })(async () => {
        calls++;
        throw new Error("boom");
      }),
    );
    const outcome = expect(handle(received())).rejects.toMatchObject({ code: "HANDLER_TIMEOUT" });
    await vi.advanceTimersByTimeAsync(1_000);
    await outcome;
    expect(calls).toBe(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("bears a late failure of a handler it has given up", async () => {
    const handle = timeout(5)(async () => {
      await sleep(20);
      throw new Error("late");
    });
    const outcome = expect(handle(received())).rejects.toMatchObject({ code: "HANDLER_TIMEOUT" });
    await vi.advanceTimersByTimeAsync(50);
    await outcome;
  });

  it("names the message by its place where it has no id", async () => {
    const message = received({ id: "", delivery: { position: "3:17" } });
    await Promise.all([expect(timeout(5)(never)(message)).rejects.toThrow("message 3:17 of topic orders"), vi.advanceTimersByTimeAsync(5)]);
  });

  it("tells the router its limit", () => {
    expect(timeout(250).timeLimitMs).toBe(250);
  });

  it("refuses bad options", () => {
    for (const bad of [0, -1, Number.NaN, Infinity, undefined, "5"]) expect(() => timeout(bad as number)).toThrow(OptionError);
  });
});

/** Works and rests by turns, `"work"` or `"rest"` for so many milliseconds each. */
const plan =
  (...steps: readonly (readonly ["work" | "rest" | "backoff", number])[]): Handler =>
  async (message) => {
    for (const [what, ms] of steps) {
      if (what === "work") await sleep(ms);
      else await rest(message, (signal) => sleep(ms, signal), { counts: what === "backoff" });
    }
  };

describe("the clock of a timeout", () => {
  /** When it fails, or `undefined` when the handler ends before. */
  async function failsAt(limitMs: number, handle: Handler, message = received()): Promise<number | undefined> {
    const began = performance.now();
    let at: number | undefined;
    const result = timeout(limitMs)(handle)(message) as Promise<unknown>;
    result.catch(() => {
      at = performance.now() - began;
    });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(vi.getTimerCount()).toBe(0);
    if (message.call !== undefined) expect(message.call.listeners).toBe(0);
    return at;
  }

  it("stands still while the message rests, and goes on with what was left, however often", async () => {
    expect(await failsAt(50, plan(["rest", 500], ["work", 49]))).toBeUndefined();
    expect(await failsAt(50, plan(["rest", 500], ["work", 51]))).toBe(550);
    expect(await failsAt(50, plan(["work", 20], ["rest", 300], ["work", 20], ["rest", 400], ["work", 9]))).toBeUndefined();
    expect(await failsAt(50, plan(["work", 20], ["rest", 300], ["work", 20], ["rest", 400], ["work", 30]))).toBe(750);
  });

  it("goes on during a backoff", async () => {
    expect(await failsAt(50, plan(["backoff", 500]))).toBe(50);
    expect(await failsAt(50, plan(["work", 20], ["backoff", 20], ["rest", 100], ["work", 20]))).toBe(150);
  });

  it("counts all time where there is no router", async () => {
    for (const behind of ["adapter", "nobody"] as const) expect(await failsAt(50, plan(["rest", 500]), received({ behind }))).toBe(50);
  });

  it("stands still while two things rest, until both have ended", async () => {
    const both: Handler = async (message) => {
      await Promise.all([plan(["rest", 100])(message), plan(["rest", 300])(message)]);
      await sleep(60);
    };
    expect(await failsAt(50, both)).toBe(350);
  });

  it("stands still for a rest that had begun before it was asked to go", async () => {
    const message = received();
    void callBehind(message).rest(() => sleep(1_000));
    expect(await failsAt(50, plan(["work", 2_000]), message)).toBe(1_050);
  });

  it("leaves nothing behind when it is over, though the handler never ends", async () => {
    const message = received();
    const remove = vi.spyOn(message.signal, "removeEventListener");
    expect(await failsAt(50, never, message)).toBe(50);
    expect(remove).toHaveBeenCalledTimes(1);
  });

  it("does not go on when it is over: a rest that ends later starts no timer", async () => {
    const message = received();
    const rests = deferred<void>();
    const handle: Handler = (inner) => {
      void rest(inner, () => rests.promise);
      return new Promise(() => {});
    };
    const abort = new Error("the work broke");
    const result = timeout(50)(() => Promise.race([handle(message), Promise.reject(abort)]) as Promise<undefined>)(message);
    await expect(result).rejects.toBe(abort);
    rests.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not count a throttle's wait for a turn further in", async () => {
    const slow = throttle({ count: 1, intervalMs: 100 });
    const handled: number[] = [];
    const chain = timeout(50)(slow(async () => void handled.push(performance.now())));
    const results = Promise.all([1, 2, 3, 4].map(() => chain(received())));
    await vi.advanceTimersByTimeAsync(300);
    await results;
    expect(handled).toHaveLength(4);
  });
});
