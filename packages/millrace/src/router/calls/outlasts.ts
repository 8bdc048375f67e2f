import { monotonicMs } from "../../internal/timers.ts";
import { endsWithin } from "./ends-within.ts";

/**
 * True when what a call's handler does goes on for longer than `limitMs`. Behind a middleware that was given up on itself, one promise may
 * follow another: `current` tells which it is now, and nothing when none is left.
 */
export async function outlasts(current: () => Promise<unknown> | undefined, limitMs: number): Promise<boolean> {
  const deadline = monotonicMs() + limitMs;
  for (let promise = current(); promise !== undefined; promise = current()) {
    if (!(await endsWithin(promise, deadline - monotonicMs()))) return true;
  }
  return false;
}
