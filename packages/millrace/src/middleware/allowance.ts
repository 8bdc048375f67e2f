import { monotonicMs, startTimer, stopTimer, type TimerHandle } from "../internal/timers.ts";

/** An amount of time that is used up only while it goes; `spent` is told when nothing is left. */
export class Allowance {
  readonly #spent: () => void;
  #leftMs: number;
  #since = 0;
  #timer: TimerHandle | undefined;
  #over = false;

  constructor(leftMs: number, spent: () => void) {
    this.#leftMs = leftMs;
    this.#spent = spent;
  }

  go(): void {
    if (this.#over || this.#timer !== undefined) return;
    this.#since = monotonicMs();
    // Timers cut fractions off: rounded up, it is never spent early. Nothing may be left where a synchronous part took too long.
    this.#timer = startTimer(this.#spent, Math.max(0, Math.ceil(this.#leftMs)));
  }

  stand(): void {
    if (this.#timer === undefined) return;
    stopTimer(this.#timer);
    this.#timer = undefined;
    this.#leftMs -= monotonicMs() - this.#since;
  }

  /** For good. */
  end(): void {
    this.#over = true;
    stopTimer(this.#timer);
    this.#timer = undefined;
  }
}
