import { MillraceError } from "../errors/index.ts";
import type { Logger } from "../logger/index.ts";
import { inHandOf } from "../message/in-hand.ts";
import { isPromise, type MaybePromise, type Middleware, type Produced, type ReceivedMessage } from "../message/index.ts";
import { redeliverAfter } from "../message/redeliver-after.ts";
import { isUncounted, uncounted } from "../message/uncounted.ts";
import { OptionCheck, type OptionNames } from "../options/index.ts";
import { Arrivals } from "./arrivals.ts";
import { askHook } from "./ask-hook.ts";
import { Breaker, type BreakerCounts, type BreakerState, type Passage } from "./breaker.ts";

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
  /** Asked after each failure while closed. Default, also should it throw: more than five failures in a row. */
  readonly readyToTrip?: ((counts: BreakerCounts) => boolean) | undefined;
  readonly onStateChange?: ((change: BreakerStateChange) => void) | undefined;
  /** Whether an error counts as success: one that is the message's fault says nothing about the service. Default, also should it throw: none does. */
  readonly isSuccessful?: ((error: unknown) => boolean) | undefined;
  /** Told when a function of these options throws. Default: one line on standard error. */
  readonly logger?: Logger | undefined;
}

const NAMES: OptionNames<CircuitBreakerOptions> = {
  name: true,
  maxRequests: true,
  intervalMs: true,
  timeoutMs: true,
  readyToTrip: true,
  onStateChange: true,
  isSuccessful: true,
  logger: true,
};

export const CIRCUIT_BREAKER_DEFAULTS: { readonly maxRequests: number; readonly intervalMs: number; readonly timeoutMs: number } = Object.freeze({
  maxRequests: 1,
  intervalMs: 0,
  timeoutMs: 60_000,
});

/** While it tries, others are asked to come again after as long as it has been trying, but not before so much. */
const TRYING_MIN_MS = 100;

/**
 * Stops calling a handler that keeps failing, and tries it again after a while.
 *
 * Closed: calls go through. After six failures in a row it opens: calls fail at once with `CIRCUIT_OPEN`. After `timeoutMs` it is half-open:
 * `maxRequests` calls go through, more fail with `CIRCUIT_TRYING`; as many successes close it, one failure opens it again. One instance is
 * one breaker for all handlers that use it.
 *
 * A message that is turned away did nothing wrong: in a router it is handed back, no attempt is counted, and it never reaches a dead
 * letter; `retry`, `poisonQueue` and the like further out let both errors pass. It comes again when the breaker may let it through, a
 * millisecond after the one that was turned away before it, so that an open breaker is no hot loop and a closing one is not run over.
 *
 * Neither success nor failure, so that they neither open nor close it: a message that was cut off from outside (delivery lost, the router
 * drained, handed back), and one that its handler nacked without an error. A `timeout` is a failure, inside or outside. A call that was let
 * through while half-open gives its place back when its signal aborts, also if it never ends.
 *
 * A function of the options that throws is logged, and the default takes its place.
 *
 * ```ts
 * import { circuitBreaker } from "millrace/middleware";
 * const payments = circuitBreaker({ name: "payments", timeoutMs: 30_000, onStateChange: ({ from, to }) => console.log(from, to) });
 * ```
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): Middleware {
  const check = new OptionCheck("circuitBreaker").known(options, NAMES);
  const { name = "", readyToTrip, onStateChange, isSuccessful, logger } = options;
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
    .methods("logger", logger, ["warn"])
    .done();
  const breaker = new Breaker({
    ...limits,
    readyToTrip: (counts) => {
      const usual = counts.consecutiveFailures > 5;
      return readyToTrip === undefined ? usual : askHook(() => readyToTrip(counts), usual, "readyToTrip", logger);
    },
    onStateChange: (from, to) => {
      if (onStateChange !== undefined) askHook(() => onStateChange({ name, from, to }), undefined, "onStateChange", logger);
    },
  });
  const arrivals = new Arrivals();

  /** What a failure tells: `undefined` for nothing. */
  const verdictOn = (error: unknown, message: ReceivedMessage): boolean | undefined => {
    if (isUncounted(error) || isCutOff(message)) return undefined;
    return isSuccessful === undefined ? false : askHook(() => isSuccessful(error), false, "isSuccessful", logger);
  };

  const turnedAway = (message: ReceivedMessage, why: "open" | "too-many"): MillraceError => {
    const tryingMs = Math.min(limits.timeoutMs, Math.max(TRYING_MIN_MS, breaker.stateForMs()));
    redeliverAfter(message, arrivals.take(why === "open" ? breaker.opensInMs() : tryingMs));
    return rejection(name, why);
  };

  return (next) => (message) => {
    const passage = breaker.enter();
    if (typeof passage === "string") throw turnedAway(message, passage);
    let result: MaybePromise<Produced>;
    try {
      result = next(message);
    } catch (error) {
      passage.end(verdictOn(error, message));
      throw error;
    }
    if (!isPromise(result)) {
      passage.end(tellsSuccess(message));
      return result;
    }
    const leave = passage.probes ? untilAbort(message, passage, verdictOn) : undefined;
    return result.then(
      (produced) => {
        leave?.();
        passage.end(tellsSuccess(message));
        return produced;
      },
      (error) => {
        leave?.();
        passage.end(verdictOn(error, message));
        throw error;
      },
    );
  };
}

/**
 * The message was taken away while it was handled: whatever its handler failed with then tells nothing. A time limit is no such thing, and
 * neither is the end that a verdict makes of the signal where there is no router.
 */
function isCutOff(message: ReceivedMessage): boolean {
  if (inHandOf(message)?.verdict === "lost") return true;
  const { aborted, reason } = message.signal;
  return aborted && MillraceError.is(reason) && reason.code !== "HANDLER_TIMEOUT" && reason.code !== "HANDLING_ENDED";
}

/** A nack without an error says nothing of the service. */
function tellsSuccess(message: ReceivedMessage): true | undefined {
  return inHandOf(message)?.nacked === true ? undefined : true;
}

/** A call that is given up may never end: others need its place. Answers with how to stop listening. */
function untilAbort(message: ReceivedMessage, passage: Passage, verdictOn: (error: unknown, message: ReceivedMessage) => boolean | undefined): () => void {
  const { signal } = message;
  const onAbort = (): void => passage.end(verdictOn(signal.reason, message));
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return () => signal.removeEventListener("abort", onAbort);
}

function rejection(name: string, why: "open" | "too-many"): MillraceError {
  const subject = name === "" ? "the circuit breaker" : `the circuit breaker ${name}`;
  const text = why === "open" ? `${subject} is open` : `${subject} is trying whether it can close, and lets no more calls through`;
  return uncounted(new MillraceError(text, why === "open" ? { code: "CIRCUIT_OPEN", retryable: true } : { code: "CIRCUIT_TRYING", retryable: true }));
}
