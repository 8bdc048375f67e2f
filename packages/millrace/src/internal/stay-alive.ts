import { startTimer, stopTimer, type TimerHandle } from "./timers.ts";

const STAY_MS = 3_600_000;

/** A reason for the process to live until it is disposed, also when nothing is connected. */
export function stayAlive(): Disposable {
  let timer: TimerHandle | undefined;
  const stay = (): void => {
    timer = startTimer(stay, STAY_MS);
  };
  stay();
  return { [Symbol.dispose]: () => stopTimer(timer) };
}
