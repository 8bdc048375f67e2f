import { startTimer, stopTimer, type TimerHandle } from "../internal/timers.ts";
import type { Received } from "./received.ts";
import type { Session } from "./source.ts";

const LOOK_MS = 250;

/**
 * While there is no session, whose lease is over is found out four times a second: nobody else would tell a handler that its message may
 * be another's. `look` answers whether anything is left to be looked after.
 */
export class WatchLeases {
  readonly #look: (isOver: typeof leaseIsOver) => boolean;
  #timer: TimerHandle | undefined;

  constructor(look: (isOver: typeof leaseIsOver) => boolean) {
    this.#look = look;
  }

  start(): void {
    this.#timer ??= startTimer(() => {
      this.#timer = undefined;
      if (this.#look(leaseIsOver)) this.start();
    }, LOOK_MS);
  }

  stop(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
  }
}

/** What the last session says. One that throws says nothing. */
function leaseIsOver(session: Session<unknown> | undefined, message: Received): boolean {
  try {
    return session?.holds?.(message) === false;
  } catch {
    return false;
  }
}
