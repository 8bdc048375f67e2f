import { MillraceError } from "../errors/index.ts";
import { CANNOT_BE_SHOWN } from "../internal/as-error.ts";

/**
 * One error for two: what failed first, and what failed while it was dealt with. Both are in `cause.errors`, in that order.
 * The cause is an `AggregateError`, so that a `PermanentError` inside does not make the whole permanent.
 */
export function failedToo(text: string, code: string, first: unknown, second: unknown): MillraceError {
  return new MillraceError(`${text}: ${errorText(second)}; the first failure was: ${errorText(first)}`, {
    code,
    retryable: true,
    cause: new AggregateError([first, second], text),
  });
}

/** What an error says; for what is not an error, the value as text. */
export function errorText(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return CANNOT_BE_SHOWN;
  }
}
