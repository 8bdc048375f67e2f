import { deferred } from "../internal/deferred.ts";
import { nextTurn, sliceSpent } from "../internal/slice.ts";
import type { SubscriptionDoors } from "../message/doors.ts";
import type { ReceivedMessage, Subscription } from "../message/index.ts";

/**
 * Reads one subscription and gives each message out as soon as a slot is free, in the order in which they came. A call that
 * returns a promise keeps its slot until that has settled, or the call is abandoned.
 */
export class Dispatcher {
  readonly #iterator: AsyncIterator<ReceivedMessage>;
  readonly #subscription: SubscriptionDoors;
  readonly #slots: number;
  readonly #handle: (message: ReceivedMessage) => Promise<void> | undefined;
  /** What is in a slot. */
  readonly #calls: Set<ReceivedMessage> = new Set();
  readonly #over = deferred<void>();
  /** It waits for the subscription, or for its turn in the event loop. */
  #waiting = false;
  #ended = false;
  #failure: unknown;

  constructor(subscription: Subscription, slots: number, handle: (message: ReceivedMessage) => Promise<void> | undefined) {
    this.#iterator = subscription[Symbol.asyncIterator]();
    this.#subscription = subscription as Subscription & SubscriptionDoors;
    this.#slots = slots;
    this.#handle = handle;
  }

  /** A call runs. */
  get busy(): boolean {
    return this.#calls.size > 0;
  }

  /** This message's call runs. */
  has(message: ReceivedMessage): boolean {
    return this.#calls.has(message);
  }

  /** Reads until the subscription has ended and with it all calls; answers with what broke it, if something did. */
  async run(): Promise<unknown> {
    this.#goOn();
    await this.#over.promise;
    return this.#failure;
  }

  /** The call for this message has ended, or is given up. */
  free(message: ReceivedMessage): void {
    if (this.#calls.delete(message)) this.#goOn();
  }

  /** With a message that has just come, or with what can be had. */
  #goOn(first?: ReceivedMessage): void {
    try {
      if (first !== undefined) this.#give(first);
      while (!this.#ended && !this.#waiting && this.#calls.size < this.#slots) {
        const message = this.#subscription["millrace.take"]?.();
        if (message === undefined) this.#ask();
        else this.#give(message);
      }
    } catch (error) {
      this.#end(error);
    }
    if (this.#ended && this.#calls.size === 0) this.#over.resolve();
  }

  #give(message: ReceivedMessage): void {
    const call = this.#handle(message);
    if (call !== undefined) {
      this.#calls.add(message);
      void call.then(() => this.free(message));
    }
    if (!sliceSpent()) return;
    this.#waiting = true;
    void nextTurn().then(this.#onTurn);
  }

  #ask(): void {
    this.#waiting = true;
    this.#iterator.next().then(this.#onStep, this.#onError);
  }

  // These are made once, not for each message.

  readonly #onTurn = (): void => {
    this.#waiting = false;
    this.#goOn();
  };

  readonly #onStep = (step: IteratorResult<ReceivedMessage>): void => {
    this.#waiting = false;
    if (step.done) this.#end(undefined);
    this.#goOn(step.done ? undefined : step.value);
  };

  readonly #onError = (error: unknown): void => {
    this.#end(error);
    this.#goOn();
  };

  #end(failure: unknown): void {
    this.#ended = true;
    this.#failure ??= failure;
  }
}
