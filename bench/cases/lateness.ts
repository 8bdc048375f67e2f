import type { Figures } from "../harness/case.ts";
import { quantile } from "../harness/quantile.ts";

const PERIOD_MS = 10;

/** Watches how late a 10 ms interval is. */
export class Lateness {
  readonly #late: number[] = [];
  #last: number = performance.now();
  readonly #interval: ReturnType<typeof setInterval> = setInterval(() => this.#look(), PERIOD_MS);

  /** Also what is overdue at this moment counts. */
  stop(): Figures {
    clearInterval(this.#interval);
    this.#look();
    return { lateMaxMs: Math.max(...this.#late), lateP99Ms: quantile(this.#late, 0.99), ticks: this.#late.length };
  }

  #look(): void {
    const now = performance.now();
    this.#late.push(Math.max(0, now - this.#last - PERIOD_MS));
    this.#last = now;
  }
}
