import { MillraceError } from "../errors/index.ts";
import { attempt, type Middleware } from "../message/index.ts";

/**
 * Turns what a handler throws that is not an error (`throw "text"`, `throw undefined`, a rejection with nothing) into a
 * `MillraceError` `HANDLER_PANIC`, so that everything further out can rely on getting an error with a stack.
 *
 * Errors pass through unchanged. The thrown value is the `cause`. Add it last (innermost), so that `retry` and `poisonQueue` see
 * its error. Watermill's `Recoverer` catches panics; a JavaScript handler that throws anything fails its message with or without this.
 *
 * ```ts
 * import { recoverer } from "millrace/middleware";
 * router.addMiddleware(recoverer());
 * ```
 */
export function recoverer(): Middleware {
  return (next) => (message) =>
    attempt(
      () => next(message),
      (produced) => produced,
      (thrown) => {
        throw isError(thrown) ? thrown : panic(thrown);
      },
    );
}

function panic(thrown: unknown): MillraceError {
  return new MillraceError(`the handler threw ${shown(thrown)}, which is not an error`, { code: "HANDLER_PANIC", cause: thrown });
}

function isError(thrown: unknown): boolean {
  // The tag finds errors of another realm (a vm context, a worker's structured clone), which instanceof does not.
  return thrown instanceof Error || (typeof thrown === "object" && Object.prototype.toString.call(thrown) === "[object Error]");
}

function shown(thrown: unknown): string {
  if (typeof thrown === "string") return JSON.stringify(thrown.length > 64 ? `${thrown.slice(0, 64)}…` : thrown);
  if (typeof thrown === "object" && thrown !== null) return Array.isArray(thrown) ? "an array" : "an object";
  return typeof thrown === "function" ? "a function" : String(thrown);
}
