import { MillraceError } from "../errors/index.ts";
import { isHandedBack } from "../message/handed-back.ts";
import { attempt, type Middleware } from "../message/index.ts";
import { redeliverAfter } from "../message/redeliver-after.ts";
import { OptionCheck, type OptionNames } from "../options/index.ts";
import { Breaker, type BreakerCounts, type BreakerState } from "./breaker.ts";
import { failedToo } from "./failed-too.ts";

export interface BreakerStateChange {
  readonly name: string;
  readonly from: BreakerState;
  readonly to: BreakerState;
}

export interface CircuitBreakerOptions {
  /** Names the breaker in its errors and state changes. Default `""`. */
  readonly name?: string | undefined;
  /** Calls let through while half-open; as many successes in a row close it. Default 1. */
  readonly maxRequests?: number | undefined;
  /** While closed, the counts start anew after this many milliseconds. Default 0: never. */
  readonly intervalMs?: number | undefined;
  /** How long it stays open before it tries again. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Asked after each failure while closed. Default: more than five failures in a row. */
  readonly readyToTrip?: ((counts: BreakerCounts) => boolean) | undefined;
  readonly onStateChange?: ((change: BreakerStateChange) => void) | undefined;
  /** Whether an error counts as success: one that is the message's fault says nothing about the service. Default: none does. */
  readonly isSuccessful?: ((error: unknown) => boolean) | undefined;
}

const NAMES: OptionNames<CircuitBreakerOptions> = {
  name: true,
  maxRequests: true,
  intervalMs: true,
  timeoutMs: true,
  readyToTrip: true,
  onStateChange: true,
  isSuccessful: true,
};

export const CIRCUIT_BREAKER_DEFAULTS: { readonly maxRequests: number; readonly intervalMs: number; readonly timeoutMs: number } = Object.freeze({
  maxRequests: 1,
  intervalMs: 0,
  timeoutMs: 60_000,
});

/**
 * Stops calling a handler that keeps failing, and tries it again after a while.
 *
 * Closed: calls go through. After six failures in a row it opens: calls fail at once with `CIRCUIT_OPEN`. After `timeoutMs` it is half-open:
 * `maxRequests` calls go through, more fail with `CIRCUIT_TRYING`; as many successes close it, one failure opens it again.
 * Both errors are retryable. While open, the message is asked for again no earlier than the breaker may let it through, so that
 * an open breaker is no hot loop. One instance is one breaker for all handlers that use it. A function of the options that
 * throws while an error is dealt with is `HOOK_FAILED`, with both errors in `cause.errors`.
 *
 * ```ts
 * import { circuitBreaker } from "millrace/middleware";
 * const payments = circuitBreaker({ name: "payments", timeoutMs: 30_000, onStateChange: ({ from, to }) => console.log(from, to) });
 * ```
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): Middleware {
  const check = new OptionCheck("circuitBreaker").known(options, NAMES);
  const { name = "", readyToTrip, onStateChange, isSuccessful } = options;
  const limits = {
    maxRequests: options.maxRequests ?? CIRCUIT_BREAKER_DEFAULTS.maxRequests,
    intervalMs: options.intervalMs ?? CIRCUIT_BREAKER_DEFAULTS.intervalMs,
    timeoutMs: options.timeoutMs ?? CIRCUIT_BREAKER_DEFAULTS.timeoutMs,
  };
  check
    .that(typeof name === "string", "name must be a text")
    .integer("maxRequests", limits.maxRequests, { min: 1 })
    .duration("intervalMs", limits.intervalMs)
    .duration("timeoutMs", limits.timeoutMs, { min: 1 })
    .call("readyToTrip", readyToTrip)
    .call("onStateChange", onStateChange)
    .call("isSuccessful", isSuccessful)
    .done();
  const breaker = new Breaker({
    ...limits,
    readyToTrip: readyToTrip ?? ((counts) => counts.consecutiveFailures > 5),
    onStateChange: (from, to) => onStateChange?.({ name, from, to }),
  });

  return (next) => (message) => {
    const entered = breaker.enter();
    if (typeof entered === "string") {
      if (entered === "open") redeliverAfter(message, breaker.opensInMs());
      throw rejection(name, entered);
    }
    return attempt(
      () => next(message),
      (produced) => {
        breaker.leave(entered, true);
        return produced;
      },
      (error) => {
        try {
          if (isHandedBack(error)) breaker.withdraw(entered);
          else breaker.leave(entered, isSuccessful?.(error) ?? false);
        } catch (hookError) {
          throw failedToo("a function given to circuitBreaker threw", "HOOK_FAILED", error, hookError);
        }
        throw error;
      },
    );
  };
}

function rejection(name: string, why: "open" | "too-many"): MillraceError {
  const subject = name === "" ? "the circuit breaker" : `the circuit breaker ${name}`;
  if (why === "open") return new MillraceError(`${subject} is open`, { code: "CIRCUIT_OPEN", retryable: true });
  return new MillraceError(`${subject} is trying whether it can close, and lets no more calls through`, { code: "CIRCUIT_TRYING", retryable: true });
}
