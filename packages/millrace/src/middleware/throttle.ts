import { monotonicMs, startTimer, stopTimer, type TimerHandle } from "../internal/timers.ts";
import { rest } from "../message/in-hand.ts";
import type { Middleware } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";

export interface ThrottleOptions {
  /** Calls allowed in each `intervalMs`. They are spaced evenly: 10 in 1,000 ms is one every 100 ms. */
  readonly count: number;
  /** Default 1,000. */
  readonly intervalMs?: number | undefined;
}

const DEFAULT_INTERVAL_MS = 1_000;
/** Timers are a millisecond or two late; that much lateness is caught up with, so that the rate is kept. */
const GRAIN_MS = 2;

/**
 * Lets handlers begin at most `count` times per `intervalMs`, evenly spaced, in order of arrival.
 *
 * The first call goes at once. One instance is one budget for all handlers that use it. Waiting for a turn is no attempt, and no
 * `timeout` further out counts it: when the router drains, the message is handed back at once; when its signal aborts for another reason
 * (delivery lost), the call fails with that. Neither takes a turn. No timer runs while nobody waits. Follows Watermill's `Throttle`,
 * which ignores cancellation and never stops its ticker.
 *
 * ```ts
 * import { throttle } from "millrace/middleware";
 * router.addMiddleware(throttle({ count: 10 })); // ten messages a second over all handlers of the router
 * ```
 */
export function throttle(options: ThrottleOptions): Middleware {
  const check = new OptionCheck("throttle").known(options, { count: true, intervalMs: true });
  const { count, intervalMs = DEFAULT_INTERVAL_MS } = options;
  check
    .required("count", count)
    .that(count === undefined || (Number.isFinite(count) && count > 0), `count must be a number above 0, got ${String(count)}`)
    .duration("intervalMs", intervalMs, { min: 1 })
    .done();
  const turns = new Turns(intervalMs / count);

  return (next) => (message) => {
    if (turns.take()) return next(message);
    return rest(message, (signal) => turns.wait(signal)).then(() => next(message));
  };
}

/** Turns, `spacingMs` apart, for whoever waits, first come first served. */
class Turns {
  readonly #spacingMs: number;
  readonly #waiting = new Set<() => void>();
  #nextAt = -Infinity;
  #timer: TimerHandle | undefined;

  constructor(spacingMs: number) {
    this.#spacingMs = spacingMs;
  }

  /** Takes a turn if one is free now. */
  take(): boolean {
    const now = monotonicMs();
    if (this.#waiting.size > 0 || now < this.#nextAt) return false;
    this.#nextAt = Math.max(this.#nextAt, this.#spacingMs < GRAIN_MS ? now - GRAIN_MS : now) + this.#spacingMs;
    return true;
  }

  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const go = (): void => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.delete(go);
        if (this.#waiting.size === 0) this.#stop();
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(go);
      this.#arm();
    });
  }

  #arm(): void {
    this.#timer ??= startTimer(() => this.#release(), Math.max(0, Math.ceil(this.#nextAt - monotonicMs())));
  }

  #stop(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
  }

  #release(): void {
    this.#timer = undefined;
    const now = monotonicMs();
    for (const go of this.#waiting) {
      if (this.#nextAt > now) break;
      this.#waiting.delete(go);
      this.#nextAt = Math.max(this.#nextAt, now - GRAIN_MS) + this.#spacingMs;
      go();
    }
    if (this.#waiting.size > 0) this.#arm();
  }
}
