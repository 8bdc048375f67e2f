import { isPermanent, MillraceError } from "../errors/index.ts";
import { CANNOT_BE_SHOWN } from "../internal/as-error.ts";
import { retryAfterMs } from "../message/retry-after.ts";
import { isUncounted } from "../message/uncounted.ts";

/** All that is asked of an error on the way to a verdict. */
const QUESTIONS: readonly ((thrown: unknown) => unknown)[] = [
  isPermanent,
  isUncounted,
  retryAfterMs,
  (thrown) => MillraceError.is(thrown),
  (thrown) => thrown instanceof Error && thrown.message,
];

/** What was thrown; or, where a getter or a proxy throws when it is asked, an error in its place: such a message fails as any other. */
export function readable(thrown: unknown): unknown {
  try {
    for (const ask of QUESTIONS) ask(thrown);
    return thrown;
  } catch {
    return new Error(CANNOT_BE_SHOWN);
  }
}
