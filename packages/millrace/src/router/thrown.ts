import { isPermanent, MillraceError } from "../errors/index.ts";
import { reasonText } from "../message/reason-text.ts";
import { retryAfterMs } from "../message/retry-after.ts";
import { isUncounted } from "../message/uncounted.ts";

/** All that is asked of an error on the way to a verdict. */
const QUESTIONS: readonly ((thrown: unknown) => unknown)[] = [
  isPermanent,
  isUncounted,
  retryAfterMs,
  (thrown) => MillraceError.is(thrown),
  (thrown) => thrown instanceof Error,
];

/** What was thrown; or, where a getter or a proxy throws when it is asked, an error that says so: such a message fails as any other. */
export function readable(thrown: unknown): unknown {
  try {
    for (const ask of QUESTIONS) ask(thrown);
    return thrown;
  } catch (why) {
    return new Error(`the handler threw something that cannot be read, reading it throws: ${reasonText(why)}`);
  }
}

export function asError(error: unknown): Error {
  try {
    return error instanceof Error ? error : new Error(String(error));
  } catch {
    return new Error("something was thrown that cannot be shown");
  }
}
