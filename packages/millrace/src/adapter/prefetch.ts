import { monotonicMs } from "../internal/timers.ts";

/** A message that is held should begin within this time at the measured pace. */
const HORIZON_MS = 1000;

/**
 * How many messages to hold ahead. Starts at what may be in flight and grows, at most doubling each time, only while all that
 * is held would begin within a second (or a quarter of the lease) at the measured pace: a slow handler does not hoard, a fast
 * one runs at the broker's speed.
 */
export class Prefetch {
  readonly #least: number;
  readonly #most: number;
  readonly #horizonMs: number;
  #target: number;
  #settled = 0;
  #since = monotonicMs();
  #perMs = 0;

  constructor(least: number, most: number, leaseMs: number = Infinity) {
    this.#least = Math.max(1, least);
    this.#most = Math.max(this.#least, most);
    this.#horizonMs = Math.min(HORIZON_MS, leaseMs / 4);
    this.#target = this.#least;
  }

  get target(): number {
    return this.#target;
  }

  /** A message was settled. */
  count(): void {
    this.#settled++;
  }

  /** Looks at the pace since the last look, and sets the target anew. Called when more is about to be fetched. */
  adapt(): number {
    const now = monotonicMs();
    const elapsed = now - this.#since;
    if (this.#settled > 0 && (elapsed >= 1 || this.#settled >= this.#target)) {
      const pace = this.#settled / Math.max(elapsed, 0.01);
      this.#perMs = this.#perMs === 0 || pace < this.#perMs ? pace : (this.#perMs + pace) / 2;
      this.#settled = 0;
      this.#since = now;
      const fits = Math.floor(this.#perMs * this.#horizonMs);
      this.#target = Math.min(this.#most, Math.max(this.#least, Math.min(fits, this.#target * 2)));
    }
    return this.#target;
  }

  /** Nothing was there to be handled: the pace measured over this stretch would be the producer's, not the handler's. */
  restart(): void {
    this.#settled = 0;
    this.#since = monotonicMs();
  }
}
