import type { Received } from "./received.ts";

/** What was handed out and is unsettled, in order of handing out: a list threaded through the messages themselves. */
export class InFlight {
  #oldest: Received | undefined;
  #newest: Received | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get oldest(): Received | undefined {
    return this.#oldest;
  }

  add(message: Received): void {
    message.before = this.#newest;
    if (this.#newest === undefined) this.#oldest = message;
    else this.#newest.behind = message;
    this.#newest = message;
    this.#size++;
  }

  remove(message: Received): void {
    if (message.before === undefined) this.#oldest = message.behind;
    else message.before.behind = message.behind;
    if (message.behind === undefined) this.#newest = message.before;
    else message.behind.before = message.before;
    message.before = undefined;
    message.behind = undefined;
    this.#size--;
  }

  *[Symbol.iterator](): IterableIterator<Received> {
    for (let message = this.#oldest; message !== undefined; ) {
      const following = message.behind;
      yield message;
      message = following;
    }
  }
}
