import { MillraceError } from "../errors/index.ts";
import type { Middleware } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";

/**
 * Fails a call before its handler runs, with the given probability: 0 never, 1 always. For trying out how a system bears failures.
 *
 * The error is a `MillraceError` `RANDOM_FAILURE`. See `randomPanic` for a throw that is not an error.
 *
 * ```ts
 * import { randomFail } from "millrace/middleware";
 * router.addMiddleware(randomFail(0.1)); // one in ten
 * ```
 */
export function randomFail(probability: number): Middleware {
  new OptionCheck("randomFail").required("probability", probability).number("probability", probability, { min: 0, max: 1 }).done();
  return (next) => (message) => {
    if (Math.random() < probability) throw new MillraceError("a random failure", { code: "RANDOM_FAILURE", retryable: true });
    return next(message);
  };
}
