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

/** What `promise` becomes, or a rejection with the signal's reason, whichever is first. Leaves no listener behind. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  promise.catch(() => {}); // it may fail after the signal, when nobody listens any more
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
