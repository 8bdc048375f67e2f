import { after, type Middleware, type Produced, producedList } from "../message/index.ts";

/**
 * Calls the handler twice for each message, one after the other: shows whether it bears redelivery.
 *
 * The results of both calls are produced, first the first's. When a call fails, that is the outcome; after a failing first call
 * there is no second.
 *
 * ```ts
 * import { duplicator } from "millrace/middleware";
 * router.addMiddleware(duplicator());
 * ```
 */
export function duplicator(): Middleware {
  return (next) => (message) => after(next(message), (first) => after(next(message), (second) => joined(first, second)));
}

function joined(first: Produced, second: Produced): Produced {
  if (first === undefined) return second;
  return second === undefined ? first : [...producedList(first), ...producedList(second)];
}
