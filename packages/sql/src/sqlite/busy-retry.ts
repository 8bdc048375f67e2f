import type { MaybePromise } from "millrace";
import { monotonicMs, sleep } from "millrace/adapter";
import { isBusy } from "./database-error.ts";

const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 25;

export interface BusyRules {
  readonly patienceMs: number;
  /** Asked before each new try; throws when there is no point any more. */
  readonly check: () => void;
  readonly onWait: (waiting: boolean) => void;
}

/**
 * Runs `work` at once. When the database is locked, tries again after a short random wait, with the event loop free meanwhile,
 * until `patienceMs` is over; then throws the driver's last error.
 */
export function retryBusy<T>(work: () => T, rules: BusyRules): MaybePromise<T> {
  try {
    return work();
  } catch (error) {
    if (!isBusy(error) || rules.patienceMs <= 0) throw error;
    return again(work, rules, error);
  }
}

async function again<T>(work: () => T, rules: BusyRules, first: unknown): Promise<T> {
  const deadline = monotonicMs() + rules.patienceMs;
  let last = first;
  rules.onWait(true);
  try {
    for (let ceiling = FIRST_WAIT_MS; monotonicMs() < deadline; ceiling = Math.min(LONGEST_WAIT_MS, ceiling * 2)) {
      await sleep(ceiling / 2 + Math.random() * ceiling);
      rules.check();
      try {
        return work();
      } catch (error) {
        if (!isBusy(error)) throw error;
        last = error;
      }
    }
  } finally {
    rules.onWait(false);
  }
  throw last;
}
