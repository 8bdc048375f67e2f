import { isPermanent, MillraceError, PermanentError, type PublishOutcome } from "../errors/index.ts";
import { reasonText } from "../message/reason-text.ts";

/** Codes that speak of the target as a whole: whichever message was under way had no part in it. */
const OF_THE_TARGET: ReadonlySet<string> = new Set([
  "AUTHENTICATION_FAILED",
  "BROKER_BLOCKED",
  "BROKER_UNREACHABLE",
  "BUFFER_FULL",
  "CIRCUIT_OPEN",
  "CIRCUIT_TRYING",
  "CLOSED",
  "CONNECTION_LOST",
  "DATABASE_BUSY",
  "DATABASE_CLOSED",
  "DATABASE_CORRUPT",
  "DATABASE_FULL",
  "DATABASE_IO",
  "DATABASE_READONLY",
  "DATABASE_UNREACHABLE",
  "PUBLISH_ABORTED",
  "PUBLISH_REFUSED",
  "PUBLISH_TIMEOUT",
]);

/** What became of the messages of a call, by position; `undefined` when the publisher does not say. Also of another copy's `PublishError`. */
export function outcomesOf(error: unknown): readonly PublishOutcome[] | undefined {
  const { outcomes } = (error ?? {}) as { readonly outcomes?: unknown };
  return Array.isArray(outcomes) ? outcomes : undefined;
}

/** The target could not take anything, whatever it was: an outage. It is no reason to give up a message. */
export function isOfTheTarget(error: unknown): boolean {
  return MillraceError.is(error) && OF_THE_TARGET.has(error.code);
}

/** The same call can never succeed, as far as the publisher knows. */
export function isHopeless(error: unknown): boolean {
  return isPermanent(error) || (MillraceError.is(error) && !error.retryable);
}

/** The failure of a call as that of one of its messages, which may not be the one at fault: it is not permanent. */
export function asOneOfMany(error: unknown): unknown {
  if (!isPermanent(error)) return error;
  const text = reasonText(error);
  // Inside an AggregateError a permanent failure does not make the whole permanent.
  const cause = new AggregateError([error], text);
  return withPause(error, new MillraceError(text, { code: codeOf(error) ?? "PUBLISH_FAILED", retryable: true, cause }));
}

/** The failure that ends a message's attempts. */
export function asTheLast(error: unknown): unknown {
  if (isPermanent(error)) return error;
  const code = codeOf(error);
  return withPause(error, new PermanentError(reasonText(error), code === undefined ? { cause: error } : { code, cause: error }));
}

function codeOf(error: unknown): string | undefined {
  return MillraceError.is(error) ? error.code : undefined;
}

/** An error may ask for no attempt before so many milliseconds. */
function withPause(error: unknown, instead: Error): Error {
  const { retryAfterMs } = (error ?? {}) as { readonly retryAfterMs?: unknown };
  return retryAfterMs === undefined ? instead : Object.assign(instead, { retryAfterMs });
}
