import { deferred } from "../internal/deferred.ts";
import { nextTurn, sliceSpent } from "../internal/slice.ts";
import type { SubscriptionDoors } from "../message/doors.ts";
import type { ReceivedMessage, Subscription } from "../message/index.ts";

/** Tells that a call has ended; with a failure when the message could not be settled: then the subscription is taken as broken. */
export type End = (failure?: unknown) => void;

/** Handles a message and settles it. True when that is done; else it calls `end` when it is. Throws when it cannot be settled. */
export type Handling = (message: ReceivedMessage, end: End) => boolean;

/** Room for one call at a time. Used again and again, so that a call costs no object. */
interface Slot {
  message: ReceivedMessage | undefined;
  readonly end: End;
}

/** Reads one subscription and gives each message out as soon as a slot is free, in the order in which they came. */
export class Dispatcher {
  readonly #iterator: AsyncIterator<ReceivedMessage>;
  readonly #subscription: SubscriptionDoors;
  readonly #limit: number;
  readonly #handle: Handling;
  readonly #slots: Set<Slot> = new Set();
  readonly #free: Slot[] = [];
  readonly #over = deferred<void>();
  #running = 0;
  /** It waits for the subscription, or for its turn in the event loop. */
  #waiting = false;
  #ended = false;
  #failure: unknown;

  constructor(subscription: Subscription, limit: number, handle: Handling) {
    this.#iterator = subscription[Symbol.asyncIterator]();
    this.#subscription = subscription as Subscription & SubscriptionDoors;
    this.#limit = limit;
    this.#handle = handle;
  }

  /** A call runs. */
  get busy(): boolean {
    return this.#running > 0;
  }

  /** This message's call runs. */
  has(message: ReceivedMessage): boolean {
    return this.#slotOf(message) !== undefined;
  }

  /** Reads until the subscription has ended and with it all calls; answers with what broke it, if something did. */
  async run(): Promise<unknown> {
    this.#goOn();
    await this.#over.promise;
    return this.#failure;
  }

  /** Gives up this message's call: when it ends, nobody is told. */
  abandon(message: ReceivedMessage): void {
    const slot = this.#slotOf(message);
    if (slot === undefined) return;
    this.#slots.delete(slot);
    this.#running--;
    this.#goOn();
  }

  #slotOf(message: ReceivedMessage): Slot | undefined {
    for (const slot of this.#slots) if (slot.message === message) return slot;
    return undefined;
  }

  /** With a message that has just come, or with what can be had. */
  #goOn(first?: ReceivedMessage): void {
    try {
      if (first !== undefined) this.#give(first);
      while (!this.#ended && !this.#waiting && this.#running < this.#limit) {
        const message = this.#subscription["millrace.take"]?.();
        if (message === undefined) this.#ask();
        else this.#give(message);
      }
    } catch (error) {
      this.#end(error);
    }
    if (this.#ended && this.#running === 0) this.#over.resolve();
  }

  #give(message: ReceivedMessage): void {
    const slot = this.#free.pop() ?? this.#newSlot();
    if (this.#handle(message, slot.end)) this.#free.push(slot);
    else {
      slot.message = message;
      this.#running++;
    }
    if (!sliceSpent()) return;
    this.#waiting = true;
    void nextTurn().then(() => this.#onStep());
  }

  #newSlot(): Slot {
    const slot: Slot = { message: undefined, end: (failure) => this.#onEnd(slot, failure) };
    this.#slots.add(slot);
    return slot;
  }

  #onEnd(slot: Slot, failure: unknown): void {
    if (!this.#slots.has(slot)) return; // abandoned
    if (failure !== undefined) this.#end(failure);
    slot.message = undefined;
    this.#free.push(slot);
    this.#running--;
    this.#goOn();
  }

  #ask(): void {
    this.#waiting = true;
    this.#iterator.next().then(this.#onStep, this.#onError);
  }

  #end(failure: unknown): void {
    this.#ended = true;
    this.#failure ??= failure;
  }

  // Made once, not for each message.

  readonly #onStep = (step?: IteratorResult<ReceivedMessage>): void => {
    this.#waiting = false;
    if (step?.done) this.#end(undefined);
    this.#goOn(step?.done ? undefined : step?.value);
  };

  readonly #onError = (error: unknown): void => {
    this.#end(error);
    this.#goOn();
  };
}
