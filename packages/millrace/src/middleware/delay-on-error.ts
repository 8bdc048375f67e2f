import { type Backoff, backoffMs } from "../internal/backoff.ts";
import { wallMs } from "../internal/timers.ts";
import { DELAYED_FOR_KEY, DELAYED_UNTIL_KEY } from "../message/delay-keys.ts";
import { formatGoDuration, parseGoDuration } from "../message/go-duration.ts";
import { inHandOf } from "../message/in-hand.ts";
import { attempt, type Metadata, type Middleware, type ReceivedMessage } from "../message/index.ts";
import { isInterruption } from "../message/interruption.ts";
import { redeliverAfter } from "../message/redeliver-after.ts";
import { retryAfterMs } from "../message/retry-after.ts";
import { BACKOFF_NAMES, type BackoffOptions, checkBackoff, knownBackoff, OptionCheck } from "../options/index.ts";
import { deliveryOf } from "./delivery-of.ts";

export interface DelayOnErrorOptions extends BackoffOptions {
  /** The delay after the first failure. Default 1,000. */
  readonly minDelayMs?: number | undefined;
  /** No delay is longer. Default 60,000. */
  readonly maxDelayMs?: number | undefined;
  /** Each delay is this many times the one before; 1.5 is fine. Default 2. */
  readonly multiplier?: number | undefined;
  /** `false` writes the metadata only, for a delayed poison queue outside. Default true. */
  readonly nack?: boolean | undefined;
}

export const DELAY_ON_ERROR_DEFAULTS: { readonly minDelayMs: number; readonly maxDelayMs: number; readonly multiplier: number } = Object.freeze({
  minDelayMs: 1_000,
  maxDelayMs: 60_000,
  multiplier: 2,
});

/**
 * Delays the next delivery of a message whose handler failed, longer each time. The error goes on outward, unchanged.
 *
 * The delay is `minDelayMs × multiplier^(attempt − 1)`, at most `maxDelayMs`, where `attempt` is `delivery.attempt`: a redelivery
 * comes with its original metadata, so metadata alone could not grow it. A message that comes with `_watermill_delayed_for` (it
 * went through a requeuer) goes on from there. An error that asks for more (`retryAfterMs`) gets it, also above `maxDelayMs`. Two things
 * happen with the delay:
 * - The message in hand gets `_watermill_delayed_for` and `_watermill_delayed_until` (UTC, whole seconds, rounded up), so that a copy
 *   made further out carries them: `poisonQueue` to a topic with delays, as in Watermill. When a `retry` further out calls again, they are
 *   as they came: what the handler makes of the message is not delayed.
 * - A router takes it as the time to the redelivery, in place of its own backoff. Without a router the message is nacked here with
 *   `delayMs`: then `retry` and `poisonQueue` outside leave it alone. `nack: false` turns this off.
 *
 * A handling that was cut off from outside (delivery lost, the router drained, turned away by a circuit breaker) is left untouched.
 *
 * ```ts
 * import { delayOnError } from "millrace/middleware";
 * router.addMiddleware(delayOnError({ minDelayMs: 1_000, maxDelayMs: 10_000, multiplier: 2 })); // 1 s, 2 s, 4 s, 8 s, 10 s, 10 s
 * ```
 */
export function delayOnError(options: DelayOnErrorOptions = {}): Middleware {
  const check = new OptionCheck("delayOnError").known(options, { ...BACKOFF_NAMES, multiplier: true, nack: true });
  const settings = {
    ...knownBackoff(options, DELAY_ON_ERROR_DEFAULTS),
    multiplier: options.multiplier ?? DELAY_ON_ERROR_DEFAULTS.multiplier,
  };
  const { nack = true } = options;
  checkBackoff(check, settings).number("multiplier", settings.multiplier, { min: 1 }).flag("nack", nack).done();

  return (next) => (message) => {
    const { metadata } = message;
    // With `retry` outside, an earlier attempt on the same delivery has written its own delay.
    const before = ARRIVED.get(deliveryOf(message));
    if (before !== undefined) restore(metadata, before);
    const arrived = before ?? { delayedFor: metadata.get(DELAYED_FOR_KEY), delayedUntil: metadata.get(DELAYED_UNTIL_KEY) };
    return attempt(
      () => next(message),
      (produced) => produced,
      (error) => {
        if (isInterruption(error, message)) throw error;
        ARRIVED.set(deliveryOf(message), arrived);
        const delayMs = Math.max(delayFor(arrived.delayedFor ?? "", message.delivery.attempt, settings), retryAfterMs(error) ?? 0);
        metadata.set(DELAYED_FOR_KEY, formatGoDuration(delayMs)).set(DELAYED_UNTIL_KEY, wholeSeconds(wallMs() + delayMs));
        if (nack && !redeliverAfter(message, delayMs)) nackHere(message, delayMs);
        throw error;
      },
    );
  };
}

/** A foreign message may throw here. The handler's own error tells more, and whoever reads the subscription meets the other one too. */
function nackHere(message: ReceivedMessage, delayMs: number): void {
  if (inHandOf(message)?.verdict !== undefined) return;
  try {
    message.nack({ delayMs, reason: "delayOnError" });
  } catch {}
}

/** What the metadata said of a delay when the message came. */
interface Arrived {
  readonly delayedFor: string | undefined;
  readonly delayedUntil: string | undefined;
}

/** Only for deliveries that failed. */
const ARRIVED = new WeakMap<object, Arrived>();

function restore(metadata: Metadata, { delayedFor, delayedUntil }: Arrived): void {
  metadata.delete(DELAYED_FOR_KEY);
  metadata.delete(DELAYED_UNTIL_KEY);
  if (delayedFor !== undefined) metadata.set(DELAYED_FOR_KEY, delayedFor);
  if (delayedUntil !== undefined) metadata.set(DELAYED_UNTIL_KEY, delayedUntil);
}

function delayFor(arrivedWith: string, attempts: number, settings: Backoff & { readonly multiplier: number }): number {
  const previous = parseGoDuration(arrivedWith) ?? 0;
  const minDelayMs = previous > 0 ? previous * settings.multiplier : settings.minDelayMs;
  return backoffMs(attempts, { ...settings, minDelayMs }, 1);
}

function wholeSeconds(ms: number): string {
  return new Date(Math.ceil(ms / 1_000) * 1_000).toISOString().replace(".000Z", "Z");
}
