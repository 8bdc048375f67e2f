import { type Backoff, backoffMs } from "../internal/backoff.ts";
import { monotonicMs, sleep } from "../internal/timers.ts";
import type { MaybePromise } from "../message/index.ts";

/** When, and for how long, something is tried again. */
export interface BusyRules extends Backoff {
  /** True for an error that passes by itself. */
  isBusy(error: unknown): boolean;
  /** After this time, from the first try on, the last error is passed on. Default: never. */
  readonly patienceMs?: number | undefined;
  /** Ends the waiting, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** So many tries have failed already: it begins with a wait. Default 0. */
  readonly failures?: number | undefined;
  /** Told of what the next wait is for. */
  onBusy?(error: unknown, failures: number): void;
}

/**
 * Does `work`, and again after a wait that grows, while a broker or a database is busy or away. Synchronous where `work` is, and
 * succeeds at once.
 */
export function whileBusy<T>(work: () => Promise<T>, rules: BusyRules): Promise<T>;
export function whileBusy<T>(work: () => MaybePromise<T>, rules: BusyRules): MaybePromise<T>;
export function whileBusy<T>(work: () => MaybePromise<T>, rules: BusyRules): MaybePromise<T> {
  const { failures = 0, patienceMs = Infinity } = rules;
  const deadline = monotonicMs() + patienceMs;
  if (failures > 0) return again(work, rules, deadline, failures);
  let done: MaybePromise<T>;
  try {
    done = work();
  } catch (error) {
    look(error, rules, deadline, 1);
    return again(work, rules, deadline, 1);
  }
  if (!(done instanceof Promise)) return done;
  return done.catch((error: unknown) => {
    look(error, rules, deadline, 1);
    return again(work, rules, deadline, 1);
  });
}

async function again<T>(work: () => MaybePromise<T>, rules: BusyRules, deadline: number, before: number): Promise<T> {
  for (let failures = before; ; failures++) {
    await sleep(Math.min(deadline - monotonicMs(), backoffMs(failures, rules)), rules.signal);
    try {
      return await work();
    } catch (error) {
      look(error, rules, deadline, failures + 1);
    }
  }
}

/** Throws what is not worth another try. */
function look(error: unknown, rules: BusyRules, deadline: number, failures: number): void {
  if (monotonicMs() >= deadline || !rules.isBusy(error)) throw error;
  rules.onBusy?.(error, failures);
}
