import { isPermanent } from "../errors/index.ts";
import { backoffMs } from "../internal/backoff.ts";
import { monotonicMs, sleep } from "../internal/timers.ts";
import { guarded } from "../logger/guarded-logger.ts";
import type { Logger } from "../logger/index.ts";
import { rest } from "../message/in-hand.ts";
import { attempt, type Handler, type MaybePromise, type Middleware, type Produced, type ReceivedMessage } from "../message/index.ts";
import { isInterruption } from "../message/interruption.ts";
import { retryAfterMs } from "../message/retry-after.ts";
import { BACKOFF_NAMES, type BackoffOptions, checkBackoff, knownBackoff, OptionCheck, type OptionNames } from "../options/index.ts";
import { askHook } from "./ask-hook.ts";
import { earlyVerdict } from "./early-verdict.ts";
import { errorText } from "./failed-too.ts";

/** A failed attempt, and what is about to follow. */
export interface RetryEvent {
  /** Attempts made so far, from 1: also the number of the retry that comes next. */
  readonly attempt: number;
  /** The wait before that retry, jitter included: what is told is what is waited. */
  readonly delayMs: number;
  readonly error: unknown;
  readonly message: ReceivedMessage;
}

export interface RetryOptions extends BackoffOptions {
  /** Retries after the first attempt; `Infinity` is allowed. Default 3. */
  readonly maxRetries?: number | undefined;
  /** The wait before the first retry. Default 100. */
  readonly minDelayMs?: number | undefined;
  /** No wait is longer; an error that asks for more (`retryAfterMs`) is not waited for here. Default 30,000. */
  readonly maxDelayMs?: number | undefined;
  /** Each wait is this many times the one before; 1 keeps it constant. Default 2. */
  readonly multiplier?: number | undefined;
  /** From 0 to 1: each wait is drawn evenly from `delay × (1 ± jitter)`. Default 0.5. */
  readonly jitter?: number | undefined;
  /** No retry begins later than this after the first attempt began. A running attempt is never interrupted. Default: no limit. */
  readonly maxElapsedMs?: number | undefined;
  /** Asked before each retry; `false` ends it with the handler's own error. Should it throw, the answer is yes. Default: always. */
  readonly shouldRetry?: ((event: RetryEvent) => boolean) | undefined;
  /** Called before each wait. */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined;
  /** Gets one warning per retry, and a line when a hook throws. Default: none; hooks that throw are shown on standard error. */
  readonly logger?: Logger | undefined;
}

const NAMES: OptionNames<RetryOptions> = {
  maxRetries: true,
  ...BACKOFF_NAMES,
  multiplier: true,
  jitter: true,
  maxElapsedMs: true,
  shouldRetry: true,
  onRetry: true,
  logger: true,
};

type Settings = typeof RETRY_DEFAULTS;

export const RETRY_DEFAULTS: {
  readonly maxRetries: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly multiplier: number;
  readonly jitter: number;
  readonly maxElapsedMs: number;
} = Object.freeze({ maxRetries: 3, minDelayMs: 100, maxDelayMs: 30_000, multiplier: 2, jitter: 0.5, maxElapsedMs: Infinity });

/**
 * Calls a failing handler again, in place, with exponential backoff, before the failure goes further out.
 *
 * The message stays in hand meanwhile: its lease is kept and its lane waits. For long waits leave it to the router's `failure`
 * policy, which gives the place free. Ends with the handler's last error, unchanged: when the retries or `maxElapsedMs` are spent, when
 * `shouldRetry` says no, at once on a `PermanentError`, on an error that counts no attempt (handed back, an open circuit breaker), and when the
 * handler nacked the message itself. An error with `retryAfterMs` is waited for at least that long; when that is more than `maxDelayMs`, or
 * beyond `maxElapsedMs`, it goes out at once, and the router waits in its place.
 *
 * A wait ends with the signal's reason when the message's signal aborts, and at once when the router drains: then the message is handed
 * back, and no attempt is counted. A hook or logger that throws changes nothing. Follows Watermill's `Retry`; there `MaxRetries` 0, its
 * default, means no retry.
 *
 * ```ts
 * import { retry } from "millrace/middleware";
 * router.addMiddleware(retry({ maxRetries: 5, minDelayMs: 200, onRetry: ({ attempt, delayMs }) => console.log(attempt, delayMs) }));
 * ```
 */
export function retry(options: RetryOptions = {}): Middleware {
  const settings = read(options);
  return (next) => (message) => {
    const began = monotonicMs();
    return attempt(
      () => next(message),
      (produced) => produced,
      (error) => {
        const event = planned(1, error, message, began, settings, options);
        if (event === undefined) throw error;
        return again(next, event, began, settings, options);
      },
    );
  };
}

async function again(next: Handler, first: RetryEvent, began: number, settings: Settings, options: RetryOptions): Promise<Produced> {
  const { message } = first;
  for (let event = first; ; ) {
    if ((await earlyVerdict(message)) === "nacked") throw event.error;
    const waited = event;
    const wait = (signal: AbortSignal): Promise<void> => {
      if (!signal.aborted) announce(waited, options);
      return sleep(waited.delayMs, signal);
    };
    await rest(message, wait, { counts: true });
    try {
      return await (next(message) as MaybePromise<Produced>);
    } catch (error) {
      const following = planned(event.attempt + 1, error, message, began, settings, options);
      if (following === undefined) throw error;
      event = following;
    }
  }
}

/** The retry that follows a failure, or `undefined` when none does. */
function planned(attempts: number, error: unknown, message: ReceivedMessage, began: number, settings: Settings, options: RetryOptions): RetryEvent | undefined {
  if (attempts > settings.maxRetries || isPermanent(error) || isInterruption(error, message)) return undefined;
  const askedMs = retryAfterMs(error) ?? 0;
  if (askedMs > settings.maxDelayMs) return undefined;
  const delayMs = Math.max(askedMs, Math.round(backoffMs(attempts, settings, 1 - settings.jitter, 1 + settings.jitter)));
  if (monotonicMs() - began + delayMs > settings.maxElapsedMs) return undefined;
  const event: RetryEvent = { attempt: attempts, delayMs, error, message };
  return askHook(() => options.shouldRetry?.(event) ?? true, true, "shouldRetry", options.logger) ? event : undefined;
}

function announce(event: RetryEvent, { onRetry, logger }: RetryOptions): void {
  const { attempt, delayMs, error, message } = event;
  if (logger !== undefined) {
    const fields = { err: error, attempt, delayMs, messageId: message.id, topic: message.delivery.topic };
    guarded(logger).warn(fields, `handler failed, trying again: ${errorText(error)}`);
  }
  if (onRetry !== undefined) askHook(() => onRetry(event), undefined, "onRetry", logger);
}

function read(options: RetryOptions): Settings {
  const check = new OptionCheck("retry").known(options, NAMES);
  const settings: Settings = {
    maxRetries: options.maxRetries ?? RETRY_DEFAULTS.maxRetries,
    ...knownBackoff(options, RETRY_DEFAULTS),
    multiplier: options.multiplier ?? RETRY_DEFAULTS.multiplier,
    jitter: options.jitter ?? RETRY_DEFAULTS.jitter,
    maxElapsedMs: options.maxElapsedMs ?? RETRY_DEFAULTS.maxElapsedMs,
  };
  const { maxRetries } = settings;
  checkBackoff(check, settings)
    .that(
      maxRetries === Infinity || (Number.isInteger(maxRetries) && maxRetries >= 0),
      `maxRetries must be a whole number of at least 0, or Infinity, got ${String(maxRetries)}`,
    )
    .number("multiplier", settings.multiplier, { min: 1 })
    .number("jitter", settings.jitter, { min: 0, max: 1 })
    .duration("maxElapsedMs", settings.maxElapsedMs, { min: 0, max: Infinity })
    .call("shouldRetry", options.shouldRetry)
    .call("onRetry", options.onRetry)
    .methods("logger", options.logger, ["warn"])
    .done();
  return settings;
}
