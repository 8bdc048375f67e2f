import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { OptionError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { isPromise, Message } from "../message/index.ts";
import type { BreakerCounts } from "./breaker.ts";
import { failure, setUp } from "./circuit-breaker.fixture.ts";
import { type CircuitBreakerOptions, circuitBreaker } from "./circuit-breaker.ts";
import { received } from "./received.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("circuitBreaker", () => {
  it("opens after six failures in a row and lets one call try after its time", () => {
    const { call, times, calls } = setUp({ timeoutMs: 50 });
    expect(times(6, true)).toEqual(Array(6).fill("fails"));
    expect(times(4, false)).toEqual(Array(4).fill("CIRCUIT_OPEN"));
    expect(calls()).toBe(6);
    vi.advanceTimersByTime(49);
    expect(call(false)).toBe("CIRCUIT_OPEN");
    vi.advanceTimersByTime(1);
    expect(times(4, false)).toEqual(Array(4).fill("ok"));
    expect(vi.getTimerCount()).toBe(0);
  });

  it("stays open a minute by default", () => {
    const { call, times } = setUp();
    times(6, true);
    vi.advanceTimersByTime(59_999);
    expect(call(false)).toBe("CIRCUIT_OPEN");
    vi.advanceTimersByTime(1);
    expect(call(false)).toBe("ok");
  });

  it("does not open when a success comes between", () => {
    const { times, call } = setUp();
    times(5, true);
    call(false);
    times(5, true);
    expect(call(false)).toBe("ok");
  });

  it("opens again at one failure while half-open, for the whole time", () => {
    const { call, times } = setUp({ timeoutMs: 50, maxRequests: 3 });
    times(6, true);
    vi.advanceTimersByTime(50);
    expect([call(false), call(true), call(false)]).toEqual(["ok", "fails", "CIRCUIT_OPEN"]);
    vi.advanceTimersByTime(49);
    expect(call(false)).toBe("CIRCUIT_OPEN");
  });

  it("lets at most maxRequests through while half-open, and closes when they all succeed", async () => {
    const changes: string[] = [];
    const { breaker, call, times } = setUp({
      name: "pay",
      timeoutMs: 50,
      maxRequests: 2,
      onStateChange: ({ name, from, to }) => void changes.push(`${name}: ${from} > ${to}`),
    });
    times(6, true);
    vi.advanceTimersByTime(50);
    const gate = deferred<void>();
    const running = [breaker(() => gate.promise)(received()), breaker(() => gate.promise)(received())];
    expect(call(false)).toBe("CIRCUIT_TRYING");
    gate.resolve();
    await Promise.all(running);
    expect(call(false)).toBe("ok");
    expect(changes).toEqual(["pay: closed > open", "pay: open > half-open", "pay: half-open > closed"]);
  });

  it("does not count the result of a call that began before it opened", async () => {
    const { breaker, call, times } = setUp({ timeoutMs: 50 });
    const slow = deferred<void>();
    const early = breaker(() => slow.promise)(received());
    times(6, true);
    slow.resolve();
    await early;
    expect(call(false)).toBe("CIRCUIT_OPEN");
  });

  it("counts the result of such a call neither while it tries", async () => {
    const { breaker, call, times } = setUp({ timeoutMs: 50 });
    const gate = deferred<void>();
    const early = [breaker(() => gate.promise)(received()), breaker(() => gate.promise.then(() => Promise.reject(failure)))(received())];
    times(6, true);
    vi.advanceTimersByTime(50);
    void breaker(() => new Promise(() => {}))(received());
    gate.resolve();
    await Promise.allSettled(early);
    expect(call(false)).toBe("CIRCUIT_TRYING");
  });

  it("starts its counts anew after each interval while closed", () => {
    const seen: BreakerCounts[] = [];
    const { times, call } = setUp({
      intervalMs: 100,
      readyToTrip: (counts) => {
        seen.push(counts);
        return counts.failures >= 3;
      },
    });
    times(2, true);
    vi.advanceTimersByTime(100);
    expect(times(2, true)).toEqual(["fails", "fails"]);
    expect(call(false)).toBe("ok");
    expect(seen.at(-1)).toEqual({ requests: 2, successes: 0, failures: 2, consecutiveSuccesses: 0, consecutiveFailures: 2 });
    expect([call(true), call(false)]).toEqual(["fails", "CIRCUIT_OPEN"]);
  });

  it("counts an error as success when told so, and passes it on", () => {
    const { times } = setUp({ isSuccessful: (error) => error === failure });
    expect(times(20, true)).toEqual(Array(20).fill("fails"));
  });

  it("counts rejections and throws of what is no error", async () => {
    const { breaker, call } = setUp();
    for (let count = 0; count < 6; count++) await expect(breaker(() => Promise.reject("text"))(received())).rejects.toBe("text");
    expect(call(false)).toBe("CIRCUIT_OPEN");
  });

  it("is one breaker for all handlers of an instance", () => {
    const { breaker, times } = setUp();
    times(6, true);
    expect(() => breaker(() => undefined)(received())).toThrow("the circuit breaker is open");
  });

  it("names itself in retryable errors", () => {
    const { breaker, times } = setUp({ name: "payments" });
    times(6, true);
    expect(() => breaker(() => undefined)(received())).toThrow(expect.objectContaining({ retryable: true, message: "the circuit breaker payments is open" }));
  });

  it("goes by its defaults when a function of its options throws, logs that, and passes the handler's own outcome on", () => {
    const broken = new TypeError("hook");
    const throws = (): never => {
      throw broken;
    };
    const logger = new RecordingLogger();
    const { times, call } = setUp({ timeoutMs: 50, readyToTrip: throws, isSuccessful: throws, onStateChange: throws, logger });
    expect(times(7, true)).toEqual([...Array(6).fill("fails"), "CIRCUIT_OPEN"]);
    vi.advanceTimersByTime(50);
    expect([call(false), call(false)]).toEqual(["ok", "ok"]);
    const hooks = logger.lines.map(({ level, fields }) => `${level} ${fields.hook}`);
    expect(hooks.filter((line) => line === "warn isSuccessful")).toHaveLength(6);
    expect(hooks.filter((line) => line === "warn readyToTrip")).toHaveLength(6);
    expect(hooks.filter((line) => line === "warn onStateChange")).toHaveLength(3); // open, half-open, closed
    expect(logger.lines.every(({ fields }) => fields.err === broken)).toBe(true);
  });

  it("keeps a synchronous success free of promises", () => {
    expect(isPromise(circuitBreaker()(() => new Message("1"))(received()))).toBe(false);
  });

  it("refuses bad options, all at once", () => {
    const bad = {
      name: 1,
      maxRequests: 0,
      intervalMs: -1,
      timeoutMs: 0,
      readyToTrip: 1,
      onStateChange: 1,
      isSuccessful: 1,
      logger: {},
    } as unknown as CircuitBreakerOptions;
    try {
      circuitBreaker(bad);
      expect.unreachable();
    } catch (error) {
      expect((error as OptionError).problems).toHaveLength(8);
    }
  });
});
