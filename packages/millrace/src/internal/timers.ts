/**
 * Every wait in Millrace goes through this file. The global timers are looked up when they are called, never captured,
 * so a virtual clock that replaces them controls every delay, backoff and lease.
 */

export type TimerHandle = ReturnType<typeof setTimeout> | LongTimer;

/** A timer set for longer fires at once. */
const LONGEST_MS = 2_147_483_647;

/** A wait that takes several timers, one after the other. */
interface LongTimer {
  readonly stopLong: () => void;
}

/** Runs `run` once after `delayMs` milliseconds, however many; never for `Infinity`. The timer never keeps the process alive when `unref` is true. */
export function startTimer(run: () => void, delayMs: number, unref = false): TimerHandle {
  if (delayMs > LONGEST_MS) return startLongTimer(run, delayMs, unref);
  const handle = globalThis.setTimeout(run, delayMs);
  if (unref) (handle as { unref?: () => void }).unref?.();
  return handle;
}

function startLongTimer(run: () => void, delayMs: number, unref: boolean): LongTimer {
  const goOn = (): void => {
    part = startTimer(run, delayMs - LONGEST_MS, unref);
  };
  let part = startTimer(goOn, LONGEST_MS, unref);
  return { stopLong: () => stopTimer(part) };
}

export function stopTimer(handle: TimerHandle | undefined): void {
  if (handle === undefined) return;
  if (typeof handle === "object" && "stopLong" in handle) handle.stopLong();
  else globalThis.clearTimeout(handle);
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
