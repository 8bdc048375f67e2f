import { monotonicMs, startTimer, stopTimer, type TimerHandle } from "./timers.ts";
import { type LATE, within } from "./within.ts";

/** The end of what is under way: anybody may bring it nearer, nobody puts it off. To be disposed when that has ended. */
export class Deadline implements Disposable {
  readonly #over: AbortController = new AbortController();
  #atMs = Number.POSITIVE_INFINITY;
  #timer: TimerHandle | undefined;

  /** Its time is over, or it was disposed. */
  get over(): boolean {
    return this.#over.signal.aborted;
  }

  /** Milliseconds; 0 when it is over. */
  get leftMs(): number {
    return this.over ? 0 : Math.max(0, this.#atMs - monotonicMs());
  }

  /** Not later than so many milliseconds from now, and not after the signal. */
  within(timeoutMs: number, signal?: AbortSignal): this {
    if (signal?.aborted || timeoutMs <= 0) this.#end();
    if (this.over) return this;
    signal?.addEventListener("abort", this.#end, { once: true, signal: this.#over.signal });
    const atMs = monotonicMs() + timeoutMs;
    if (atMs >= this.#atMs) return this;
    this.#atMs = atMs;
    stopTimer(this.#timer);
    this.#timer = startTimer(this.#end, timeoutMs);
    return this;
  }

  /** Waits for the promise, or until the time is over. */
  wait<T>(promise: Promise<T>): Promise<T | typeof LATE> {
    return within(promise, Number.POSITIVE_INFINITY, this.#over.signal);
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  readonly #end = (): void => {
    stopTimer(this.#timer);
    this.#over.abort();
  };
}
