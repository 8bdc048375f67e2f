import { OptionError } from "../../errors/index.ts";
import type { Handler, Middleware } from "../../message/index.ts";

/** Wraps a handler in its middleware, the first one outermost. */
export function compose(name: string, handle: Handler, middleware: readonly Middleware[]): Handler {
  return middleware.reduceRight<Handler>((next, wrap) => {
    const wrapped = wrap(next);
    if (typeof wrapped !== "function")
      throw new OptionError(`handler ${JSON.stringify(name)}`, ["a middleware must return a handler: (next) => (message) => …"]);
    return wrapped;
  }, handle);
}
