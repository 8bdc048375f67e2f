import { monotonicMs } from "../internal/timers.ts";

const SPACING_MS = 1;
/** They are spread over so much at most; more than that share moments. */
const LONGEST_MS = 10_000;

/** Moments for those who are to come again, spaced so that they do not come all at once: who asks first comes first. */
export class Arrivals {
  #lastAt = -Infinity;

  /** Milliseconds from now until the next free moment that is not before `earliestInMs`. */
  take(earliestInMs: number): number {
    const now = monotonicMs();
    const earliestAt = now + earliestInMs;
    const free = this.#lastAt + SPACING_MS;
    this.#lastAt = free <= earliestAt || free > earliestAt + LONGEST_MS ? earliestAt : free;
    return this.#lastAt - now;
  }
}
