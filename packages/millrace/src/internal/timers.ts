/**
 * Every wait in Millrace goes through this file. The global timers are looked up when they are called, never captured,
 * so a virtual clock that replaces them controls every delay, backoff and lease.
 */

export type TimerHandle = ReturnType<typeof setTimeout>;

/** Runs `run` once after `delayMs` milliseconds. The timer never keeps the process alive when `unref` is true. */
export function startTimer(run: () => void, delayMs: number, unref = false): TimerHandle {
  // A delay above 2^31-1 ms would fire at once; the longest wait a timer can express is about 24 days.
  const handle = globalThis.setTimeout(run, Math.min(delayMs, 2_147_483_647));
  if (unref) (handle as { unref?: () => void }).unref?.();
  return handle;
}

export function stopTimer(handle: TimerHandle | undefined): void {
  if (handle !== undefined) globalThis.clearTimeout(handle);
}

/** Milliseconds on a clock that never goes back; only differences mean anything. */
export function monotonicMs(): number {
  return globalThis.performance.now();
}

/** Milliseconds since the epoch. */
export function wallMs(): number {
  return Date.now();
}

/** Resolves after `delayMs` milliseconds; rejects with the signal's reason as soon as it aborts. */
export function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      stopTimer(handle);
      reject(signal?.reason);
    };
    const handle = startTimer(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Runs `run` in a later turn of the event loop, after timers and I/O that are due. */
export function laterTurn(run: () => void): void {
  if (typeof globalThis.setImmediate === "function") globalThis.setImmediate(run);
  else globalThis.setTimeout(run, 0);
}
