import { startTimer, stopTimer } from "../../internal/timers.ts";

/** Whether the promise is settled within the time. Waiting for it keeps no process alive. */
export function endsWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = startTimer(() => resolve(false), timeoutMs, true);
    const onEnd = (): void => {
      stopTimer(timer);
      resolve(true);
    };
    promise.then(onEnd, onEnd);
  });
}
