import { MillraceError } from "../errors/index.ts";
import { monotonicMs, sleep } from "../internal/timers.ts";
import { LATE, within } from "../internal/within.ts";
import type { Settlements } from "./settlements.ts";

const RETRY_MS = 50;

/** Flushes, again and again while the broker refuses or is away, until it works or the deadline is over; then throws what went wrong. */
export async function flushUntil(settlements: Settlements, deadline: number, signal: AbortSignal | undefined): Promise<void> {
  for (;;) {
    try {
      if ((await within(settlements.flushKept(), deadline - monotonicMs(), signal)) !== LATE) return;
      throw new MillraceError("the broker did not confirm the last verdicts in time", { code: "SETTLE_TIMEOUT", retryable: true });
    } catch (error) {
      if (monotonicMs() + RETRY_MS >= deadline || signal?.aborted) throw error;
      await sleep(RETRY_MS);
    }
  }
}
