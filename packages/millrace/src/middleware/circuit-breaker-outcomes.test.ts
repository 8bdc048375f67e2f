import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { handedBack } from "../message/handed-back.ts";
import type { Handler, ReceivedMessage } from "../message/index.ts";
import { isInterruption } from "../message/interruption.ts";
import { failure, setUp } from "./circuit-breaker.fixture.ts";
import { circuitBreaker } from "./circuit-breaker.ts";
import { type FixtureMessage, received } from "./received.fixture.ts";
import { timeout } from "./timeout.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a message that the breaker turns away", () => {
  const wish = (chain: (message: ReceivedMessage) => unknown, message: FixtureMessage = received()): number | undefined => {
    expect(() => chain(message)).toThrow("circuit breaker");
    expect(message.verdict).toBeUndefined();
    return message.redeliveryDelayMs;
  };

  it("is no failure, open or trying", async () => {
    const { breaker, times } = setUp({ timeoutMs: 50 });
    times(6, true);
    const errors: unknown[] = [];
    const keep = (error: unknown): void => void errors.push(error);
    await (async () => breaker(() => undefined)(received()))().catch(keep);
    vi.advanceTimersByTime(50);
    void breaker(() => new Promise(() => {}))(received());
    await (async () => breaker(() => undefined)(received()))().catch(keep);
    expect(errors).toMatchObject([{ code: "CIRCUIT_OPEN" }, { code: "CIRCUIT_TRYING" }]);
    expect(errors.every((error) => isInterruption(error, received()))).toBe(true);
  });

  it("comes again when it may be let through, a thousand of them one after the other", () => {
    const { breaker, times } = setUp({ timeoutMs: 50 });
    times(6, true);
    vi.advanceTimersByTime(20);
    const chain = breaker(() => undefined);
    const wishes = Array.from({ length: 1_000 }, () => wish(chain));
    expect(wishes).toEqual(Array.from({ length: 1_000 }, (_, index) => 30 + index));
  });

  it("comes again, while the breaker tries, after as long as it has been trying, between a tenth of a second and its time", () => {
    const { breaker, times } = setUp({ timeoutMs: 10_000 });
    times(6, true);
    vi.advanceTimersByTime(10_000);
    void breaker(() => new Promise(() => {}))(received());
    const chain = breaker(() => undefined);
    expect([wish(chain), wish(chain)]).toEqual([100, 101]);
    vi.advanceTimersByTime(3_000);
    expect(wish(chain)).toBe(3_000);
    vi.advanceTimersByTime(100_000);
    expect(wish(chain)).toBe(10_000);
    const quick = setUp({ timeoutMs: 20 });
    quick.times(6, true);
    vi.advanceTimersByTime(20);
    void quick.breaker(() => new Promise(() => {}))(received());
    expect(wish(quick.breaker(() => undefined))).toBe(20);
  });

  it("is turned away the same where no router is", () => {
    const { breaker, times } = setUp({ timeoutMs: 50 });
    times(6, true);
    for (const behind of ["adapter", "nobody"] as const)
      expect(
        wish(
          breaker(() => undefined),
          received({ behind }),
        ),
      ).toBeUndefined();
  });
});

describe("what neither opens nor closes a breaker", () => {
  const lost = new MillraceError("lost", { code: "DELIVERY_LOST" });
  const drained = new MillraceError("the drain is over", { code: "DRAIN_DEADLINE" });
  const cutOff: Readonly<Record<string, Handler>> = {
    "a lost delivery": async (message) => {
      (message as FixtureMessage).lose(lost);
      throw lost;
    },
    "a lost delivery, of which the handler makes an error of its own": (message) => {
      (message as FixtureMessage).lose(undefined);
      throw failure;
    },
    "the drain's deadline": async (message) => {
      (message as FixtureMessage).abort(drained);
      throw new Error("fetch failed", { cause: drained });
    },
    "the drain's deadline, of which the handler makes an error of its own": (message) => {
      (message as FixtureMessage).abort(drained);
      throw failure;
    },
    "a message handed back": () => Promise.reject(handedBack("an earlier one of its key failed")),
    "a message turned away by a breaker further in": (() => {
      const inner = circuitBreaker({ readyToTrip: () => true });
      const broken = inner(() => {
        throw failure;
      });
      expect(() => broken(received())).toThrow(failure);
      return broken;
    })(),
    "a nack without an error": (message) => void message.nack(),
    "a nack without an error, later": async (message) => void message.nack(),
  };

  for (const [what, handle] of Object.entries(cutOff)) {
    it(`is ${what}`, async () => {
      const { breaker, call, times } = setUp({ timeoutMs: 50 });
      const outcome = async (): Promise<unknown> => breaker(handle)(received());
      times(5, true);
      for (let count = 0; count < 20; count++) await outcome().catch(() => {});
      expect(call(true)).toBe("fails"); // the sixth
      expect(call(true)).toBe("CIRCUIT_OPEN");
      vi.advanceTimersByTime(50);
      // Half-open: it leaves its place to one that tells.
      await outcome().catch((error: unknown) => expect(error).not.toMatchObject({ message: expect.stringContaining("is trying") }));
      expect([call(false), call(false)]).toEqual(["ok", "ok"]);
      times(5, true);
      expect(call(false)).toBe("ok");
    });
  }

  it("is not a timeout, inside or outside, nor a failure after an early ack where no router is", async () => {
    const outlasts: Handler = (message) => new Promise((_resolve, reject) => message.signal.addEventListener("abort", () => reject(message.signal.reason)));
    for (const outside of [true, false]) {
      const breaker = circuitBreaker();
      const chain = outside ? timeout(5)(breaker(outlasts)) : breaker(timeout(5)(outlasts));
      for (let count = 0; count < 6; count++) {
        const outcome = expect(chain(received())).rejects.toMatchObject({ code: "HANDLER_TIMEOUT" });
        await vi.advanceTimersByTimeAsync(10);
        await outcome;
      }
      expect(() => breaker(() => undefined)(received())).toThrow("is open");
    }
    const { breaker, call } = setUp();
    const acked: Handler = (message) => {
      (message as FixtureMessage).ack();
      (message as FixtureMessage).abort(new MillraceError("the handling has ended", { code: "HANDLING_ENDED" }));
      throw failure;
    };
    for (let count = 0; count < 6; count++) expect(() => breaker(acked)(received({ behind: "adapter" }))).toThrow(failure);
    expect(call(false)).toBe("CIRCUIT_OPEN");
  });
});

describe("a call that was let through while half-open", () => {
  const lost = new MillraceError("lost", { code: "DELIVERY_LOST" });

  /** A breaker whose only place is taken by a call that never ends by itself. */
  function probing() {
    const tools = setUp({ timeoutMs: 50 });
    tools.times(6, true);
    vi.advanceTimersByTime(50);
    const gate = deferred<undefined>();
    const message = received();
    const probe = tools.breaker(() => gate.promise)(message) as Promise<unknown>;
    probe.catch(() => {});
    expect(tools.call(false)).toBe("CIRCUIT_TRYING");
    return { ...tools, gate, message, probe };
  }

  it("gives its place back when its delivery is lost, though it never ends; its late success counts for nothing", async () => {
    const { message, call, gate, probe, breaker } = probing();
    message.lose(lost);
    const next = deferred<undefined>();
    const second = breaker(() => next.promise)(received());
    expect(call(false)).toBe("CIRCUIT_TRYING");
    gate.resolve(undefined);
    await probe;
    expect(call(false)).toBe("CIRCUIT_TRYING");
    next.resolve(undefined);
    await second;
    expect(call(false)).toBe("ok");
  });

  it("opens the breaker again when a time limit further out gives it up", async () => {
    const { message, call } = probing();
    message.abort(new MillraceError("too slow", { code: "HANDLER_TIMEOUT" }));
    expect(call(false)).toBe("CIRCUIT_OPEN");
  });

  it("gives its place back when it was aborted before it gave its promise", async () => {
    const { call, breaker, times } = setUp({ timeoutMs: 50 });
    times(6, true);
    vi.advanceTimersByTime(50);
    void breaker((message) => {
      (message as FixtureMessage).lose(lost);
      return new Promise(() => {});
    })(received());
    expect(call(false)).toBe("ok");
  });

  it("listens to its signal no longer than it runs", async () => {
    const { message, gate, probe } = probing();
    const remove = vi.spyOn(message.signal, "removeEventListener");
    gate.resolve(undefined);
    await probe;
    expect(remove).toHaveBeenCalledTimes(1);
  });
});
