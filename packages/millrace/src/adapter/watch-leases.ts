import { startTimer, stopTimer, type TimerHandle } from "../internal/timers.ts";
import type { Received } from "./received.ts";
import type { Session } from "./source.ts";

const LOOK_MS = 250;

/** What is in hand. */
export interface InHandOf {
  readonly empty: boolean;
  lose(which: (message: Received) => boolean): void;
}

/**
 * While there is no session, the last one is asked four times a second whether it still holds what is in hand: nobody else would tell a
 * handler that its message may be another's.
 */
export class WatchLeases {
  readonly #inHand: InHandOf;
  readonly #latest: () => Session<unknown> | undefined;
  #timer: TimerHandle | undefined;

  constructor(inHand: InHandOf, latest: () => Session<unknown> | undefined) {
    this.#inHand = inHand;
    this.#latest = latest;
  }

  /** For as long as something is in hand. */
  start(): void {
    if (this.#inHand.empty) this.stop();
    else this.#timer ??= startTimer(() => this.#look(), LOOK_MS);
  }

  stop(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    const session = this.#latest();
    if (session !== undefined) this.#inHand.lose((message) => !holds(session, message));
    this.start();
  }
}

/** A session that is not asked, or throws, says nothing. */
function holds(session: Session<unknown>, message: Received): boolean {
  try {
    return session.holds?.(message) !== false;
  } catch {
    return true;
  }
}
