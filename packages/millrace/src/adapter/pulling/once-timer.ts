import { startTimer, stopTimer, type TimerHandle } from "../../internal/timers.ts";

/** A timer of which at most one runs: starting it while it runs changes nothing. */
export class OnceTimer {
  #handle: TimerHandle | undefined;

  start(delayMs: number, run: () => void): void {
    this.#handle ??= startTimer(() => {
      this.#handle = undefined;
      run();
    }, delayMs);
  }

  stop(): void {
    stopTimer(this.#handle);
    this.#handle = undefined;
  }
}
