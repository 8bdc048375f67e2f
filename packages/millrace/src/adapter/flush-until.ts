import { MillraceError } from "../errors/index.ts";
import type { Deadline } from "../internal/deadline.ts";
import { sleep } from "../internal/timers.ts";
import { LATE } from "../internal/within.ts";
import type { Settlements } from "./settlements.ts";

const RETRY_MS = 50;

/**
 * Flushes, again and again while the broker refuses or is away, until it works or the deadline is over; then throws what went wrong, or what
 * was lost meanwhile.
 */
export async function flushUntil(settlements: Settlements, deadline: Deadline): Promise<void> {
  const call = settlements.begin();
  let failure: unknown;
  try {
    await flushAgain(settlements, deadline);
  } catch (error) {
    failure = error;
  }
  settlements.end(call, failure);
  if (failure !== undefined) throw failure;
}

async function flushAgain(settlements: Settlements, deadline: Deadline): Promise<void> {
  for (;;) {
    try {
      if ((await deadline.wait(settlements.flushKept())) !== LATE) return;
      throw new MillraceError("the broker did not confirm the last verdicts in time", { code: "SETTLE_TIMEOUT", retryable: true });
    } catch (error) {
      if (deadline.leftMs <= RETRY_MS) throw error;
      await sleep(RETRY_MS);
    }
  }
}
