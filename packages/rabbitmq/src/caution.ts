import { startTimer, stopTimer, type TimerHandle } from "millrace/adapter";

/** Up to here a message is not taken for one that could be too large. */
const UNSUSPECTED_BYTES = 16 * 1024;
/** So long a large message lets those before it have their confirmations. One of them may have none to come: its queue has no leader. */
const PATIENCE_MS = 1_000;

/**
 * Which message goes alone. The broker answers to one that it does not take by closing the channel, and tells of the others under way
 * nothing any more. So the first one on a channel goes alone, with which a missing exchange or right shows, and so does every one that is
 * larger than all that the broker took; until the broker has looked at it.
 */
export class Caution {
  readonly #wake: () => void;
  /** Bytes of the largest message that the broker took; less than any before the first. */
  #proven = -1;
  /** Bytes of the one that the broker looks at; nothing is sent meanwhile. */
  #trying: number | undefined;
  #timer: TimerHandle | undefined;
  #waited = false;

  /** `wake` is called when there is nothing to wait for any more. */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** True while a message of so many bytes has to wait, for the one that is looked at or for those that are not confirmed. */
  mustWait(bytes: number, unconfirmed: number): boolean {
    if (this.#trying !== undefined) return true;
    if (bytes <= this.#proven || unconfirmed === 0 || this.#waited) return false;
    this.#timer ??= startTimer(() => {
      this.#waited = true;
      this.#wake();
    }, PATIENCE_MS);
    return true;
  }

  /** A message is sent next. True when the broker is to be asked whether it has looked at it. */
  admit(bytes: number): boolean {
    if (bytes <= this.#proven) return false;
    this.end();
    this.#waited = false;
    this.#trying = bytes;
    return true;
  }

  /** A message was not sent after all. True when it is the one that the broker was to be asked about. */
  withdraw(bytes: number): boolean {
    if (bytes <= this.#proven || this.#trying === undefined) return false;
    this.#trying = undefined;
    this.#wake();
    return true;
  }

  /** The broker has looked at it, and the channel is still there. */
  passed(): void {
    this.#proven = Math.max(UNSUSPECTED_BYTES, this.#trying ?? 0);
    this.#trying = undefined;
    this.#wake();
  }

  end(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
  }
}
