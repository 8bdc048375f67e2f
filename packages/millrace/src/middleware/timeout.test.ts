import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MillraceError, OptionError } from "../errors/index.ts";
import { sleep } from "../internal/timers.ts";
import { Message } from "../message/index.ts";
import { received } from "./received.fixture.ts";
import { retry } from "./retry.ts";
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
      if (when === "before") message.end(lost);
      const outcome = expect(timeout(1_000)((view) => sleep(500, view.signal))(message)).rejects.toBe(lost);
      if (when === "during") message.end(lost);
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

  it("tells the router its limit", () => {
    expect(timeout(250).timeLimitMs).toBe(250);
  });

  it("refuses bad options", () => {
    for (const bad of [0, -1, Number.NaN, Infinity, undefined, "5"]) expect(() => timeout(bad as number)).toThrow(OptionError);
  });
});
