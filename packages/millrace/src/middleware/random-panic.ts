import type { Middleware } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";

/**
 * Throws something that is not an error before the handler runs, with the given probability: 0 never, 1 always. For trying out
 * whether everything outside bears it; `recoverer` outside turns it into an error.
 *
 * ```ts
 * import { randomPanic, recoverer } from "millrace/middleware";
 * router.addMiddleware(recoverer(), randomPanic(0.1));
 * ```
 */
export function randomPanic(probability: number): Middleware {
  new OptionCheck("randomPanic").required("probability", probability).number("probability", probability, { min: 0, max: 1 }).done();
  return (next) => (message) => {
    if (Math.random() < probability) throw "a random panic";
    return next(message);
  };
}
