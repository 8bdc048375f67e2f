import { isPermanent } from "../errors/index.ts";
import { CANNOT_BE_SHOWN } from "../internal/as-error.ts";
import { retryAfterMs } from "../message/retry-after.ts";
import { isUncounted } from "../message/uncounted.ts";

/** What was thrown, or an error in its place should looking at it throw, as it may with a proxy or a getter of its own. */
export function readable(thrown: unknown): unknown {
  try {
    if (thrown instanceof Error) void thrown.message;
    isUncounted(thrown);
    isPermanent(thrown);
    retryAfterMs(thrown);
    return thrown;
  } catch {
    return new Error(CANNOT_BE_SHOWN);
  }
}
