import { monotonicMs, startTimer, stopTimer } from "../../internal/timers.ts";

/**
 * True when what a call's handler does goes on for longer than `limitMs`. Behind a middleware that was given up on itself, one promise may
 * follow another: `current` tells which it is now, and nothing when none is left.
 */
export async function outlasts(current: () => Promise<unknown> | undefined, limitMs: number): Promise<boolean> {
  const deadline = monotonicMs() + limitMs;
  for (let promise = current(); promise !== undefined; promise = current()) {
    if (await isLater(promise, deadline)) return true;
  }
  return false;
}

function isLater(promise: Promise<unknown>, deadline: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = startTimer(() => resolve(true), Math.max(0, deadline - monotonicMs()), true); // a handler that never ends keeps no process alive
    const onEnd = (): void => {
      stopTimer(timer);
      resolve(false);
    };
    promise.then(onEnd, onEnd);
  });
}
