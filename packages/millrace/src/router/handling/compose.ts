import { OptionError, PermanentError } from "../../errors/index.ts";
import type { Handler, Middleware } from "../../message/index.ts";

/** Wraps a handler in its middleware, the first one outermost. */
export function compose(name: string, handle: Handler, middleware: readonly Middleware[]): Handler {
  return middleware.reduceRight<Handler>((next, wrap) => {
    const wrapped = wrap(next);
    if (typeof wrapped !== "function")
      throw new OptionError(`handler ${JSON.stringify(name)}`, ["a middleware must return a handler: (next) => (message) => …"]);
    return wrap.length === 0 ? calledFor(name, wrap, wrapped) : wrapped;
  }, handle);
}

/**
 * A factory that was not called (`instantAck` in place of `instantAck()`) takes nothing and gives back a middleware: as a handler that gives
 * back a function and has called nobody. No message passes for handled by it.
 */
function calledFor(name: string, wrap: Middleware, handler: Handler): Handler {
  return (message) => {
    const result = handler(message);
    if (typeof result !== "function") return result;
    throw new PermanentError(`handler ${JSON.stringify(name)}: a middleware was added without being called: ${wrap.name}()`, { code: "NOT_A_MESSAGE" });
  };
}
