import { MillraceError, PublishError, type PublishOutcome } from "../../errors/index.ts";

/** A `PublishError` that tells what caused it: its text, its code (`otherCode` for an error that is not ours), whether to try again. */
export function publishError(cause: unknown, outcomes: readonly PublishOutcome[], otherCode: string): PublishError {
  const known = MillraceError.is(cause) ? cause : undefined;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new PublishError(text, { code: known?.code ?? otherCode, retryable: known?.retryable ?? true, cause, outcomes });
}

/** Nothing of the call was sent. */
export function refusal(cause: MillraceError, count: number): PublishError {
  return publishError(cause, new Array<PublishOutcome>(count).fill("rejected"), cause.code);
}

export function closedError(): MillraceError {
  return new MillraceError("the publisher is closed", { code: "CLOSED" });
}

export function abortedError(signal: AbortSignal): MillraceError {
  return new MillraceError("the publish was aborted", { code: "PUBLISH_ABORTED", cause: signal.reason });
}

/** Trying again cannot help. */
export function isFinal(error: unknown): boolean {
  return MillraceError.is(error) && !error.retryable;
}
