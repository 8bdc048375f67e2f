import { startTimer, stopTimer } from "./timers.ts";

/** What `within` answers when the time was over, or the signal aborted, first. */
export const LATE: unique symbol = Symbol("late");

/** Waits for `promise`, but no longer than `timeoutMs`, and not beyond the signal. Leaves no timer and no listener behind. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, signal?: AbortSignal): Promise<T | typeof LATE> {
  let finish!: (late: typeof LATE) => void;
  const late = new Promise<typeof LATE>((resolve) => {
    finish = resolve;
  });
  const onAbort = (): void => finish(LATE);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer = startTimer(() => finish(LATE), Math.max(0, timeoutMs));
  try {
    return await Promise.race([promise, late]);
  } finally {
    stopTimer(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
