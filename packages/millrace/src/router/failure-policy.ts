import type { Publisher } from "../message/index.ts";
import type { BackoffOptions } from "../options/index.ts";

/**
 * What happens to a message whose handler fails: it throws, or it nacks the message itself.
 *
 * It is tried again with exponential backoff and full jitter, from `minDelayMs` to `maxDelayMs`. When `attempts` are spent,
 * or the error is a `PermanentError`, it goes to the dead letter and is acked once that is confirmed. Without `deadLetter`
 * nothing is ever dropped: it is tried again at the longest delay, logged as an error each time, and health says `failing`.
 * A message that failed only together with others of its batch is not given up: it gets one hand-out more, alone.
 * A nack with a `delayMs` takes that in place of the backoff; an `uncounted` one is no failure, and spends no attempt.
 */
export interface FailurePolicy extends BackoffOptions {
  /** Hand-outs before giving up. Default 10. */
  readonly attempts?: number | undefined;
  /** Default 100. */
  readonly minDelayMs?: number | undefined;
  /** Default 30,000. */
  readonly maxDelayMs?: number | undefined;
  /** No topic that the handler reads itself: on the same pub/sub that is refused with an `OptionError`, since what fails would come back for ever. */
  readonly deadLetter?: { readonly publisher: Publisher; readonly topic: string } | undefined;
}

/** A policy in which nothing is left open but the dead letter. */
export type KnownPolicy = FailurePolicy & typeof FAILURE_DEFAULTS;

/** Of several policies the last one that says something about an option holds. */
export function knownPolicy(policies: readonly (FailurePolicy | undefined)[]): KnownPolicy {
  const policy: Record<string, unknown> = { ...FAILURE_DEFAULTS };
  for (const given of policies) for (const [name, value] of Object.entries(given ?? {})) if (value !== undefined) policy[name] = value;
  return policy as unknown as KnownPolicy;
}

export const FAILURE_DEFAULTS: { readonly attempts: number; readonly minDelayMs: number; readonly maxDelayMs: number } = Object.freeze({
  attempts: 10,
  minDelayMs: 100,
  maxDelayMs: 30_000,
});
