import { MillraceError } from "../errors/index.ts";
import { Deferred } from "../internal/deferred.ts";
import { Ring } from "../internal/ring.ts";
import { nextTurn, sliceSpent } from "../internal/slice.ts";
import type { ReceivedMessage } from "../message/index.ts";
import type { NextListener } from "../message/subscription-door.ts";

type Step = IteratorResult<ReceivedMessage, undefined>;
const RESOLVED: Promise<void> = Promise.resolve();
const DONE: Step = Object.freeze({ value: undefined, done: true });

/** A message handed out. A class for the reason that `Deferred` is one. */
class Taken {
  readonly done = false;
  readonly value: ReceivedMessage;

  constructor(value: ReceivedMessage) {
    this.value = value;
  }
}

/**
 * The reading end of a subscription: one iterator at a time, any number of `next()` calls waiting on it. Gives the event loop
 * its turn when messages come faster than it would get one.
 */
export class Reading {
  readonly #take: () => ReceivedMessage | undefined;
  readonly #onBegin: () => void;
  readonly #waiting: Ring<Deferred<Step>> = new Ring();
  #iterator: object | undefined;
  #begun = false;
  #ended = false;
  /** Waits for the next message without a promise; and what it is about to be told. */
  #listener: NextListener | undefined;
  #next: ReceivedMessage | undefined;
  #telling = false;
  #feeding = false;
  #delivered = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(take: () => ReceivedMessage | undefined, onBegin: () => void) {
    this.#take = take;
    this.#onBegin = onBegin;
  }

  /** Somebody has begun to read. */
  get begun(): boolean {
    return this.#begun;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** True when a message may be taken past the iterator: nobody waits for it. */
  get mayTake(): boolean {
    return this.#waiting.size === 0;
  }

  open(topic: string): AsyncIterator<ReceivedMessage, undefined> {
    if (this.#iterator !== undefined && !this.#ended) {
      throw new MillraceError(`the subscription to ${JSON.stringify(topic)} is being read already: end that loop first, or subscribe again`, {
        code: "SUBSCRIPTION_BUSY",
      });
    }
    const iterator = {
      next: (): Promise<Step> => (this.#iterator === iterator ? this.#nextStep(iterator) : Promise.resolve(DONE)),
      return: (): Promise<Step> => {
        if (this.#iterator === iterator) this.#leave();
        return Promise.resolve(DONE);
      },
    };
    this.#iterator = iterator;
    this.#begun = true;
    this.#onBegin();
    return iterator;
  }

  /** See `SubscriptionDoor.whenNext`. */
  whenNext(listener: NextListener): boolean {
    if (this.#ended) return false;
    this.#listener = listener;
    this.feed();
    return true;
  }

  /** Hands out to those who wait, as far as there is something. */
  feed(): void {
    // Taking makes the source fetch, which may deliver at once, which comes back here: then the loop below looks again.
    this.#delivered = true;
    if (!this.#feeding && (this.#waiting.size > 0 || this.#listener !== undefined)) this.#feedAll();
  }

  #feedAll(): void {
    this.#feeding = true;
    try {
      while (this.#waiting.size > 0 || (this.#listener !== undefined && !this.#telling)) {
        this.#delivered = false;
        const message = this.#take();
        if (message !== undefined) this.#give(message);
        else if (!this.#delivered) return;
      }
    } finally {
      this.#feeding = false;
    }
  }

  #give(message: ReceivedMessage): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#tell(message);
    else waiting.resolve(new Taken(message));
  }

  #tell(message: ReceivedMessage | undefined): void {
    this.#next = message;
    this.#telling = true;
    void RESOLVED.then(this.#onTell);
  }

  readonly #onTell = (): void => {
    const listener = this.#listener;
    const message = this.#next;
    this.#listener = undefined;
    this.#next = undefined;
    this.#telling = false;
    listener?.(message);
  };

  end(): void {
    this.#ended = true;
    this.#leave();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.#ended = true;
    while (this.#waiting.size > 0) this.#waiting.shift()?.reject(error);
    this.#tellEnd();
  }

  #leave(): void {
    this.#iterator = this.#ended ? this.#iterator : undefined;
    while (this.#waiting.size > 0) this.#waiting.shift()?.resolve(DONE);
    this.#tellEnd();
  }

  #tellEnd(): void {
    if (this.#listener !== undefined && !this.#telling) this.#tell(undefined);
  }

  /** However a step comes about, its promise is settled directly: several readers go on in the order in which messages were taken. */
  #nextStep(iterator: object): Promise<Step> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#ended) return Promise.resolve(DONE);
    const step = new Deferred<Step>();
    if (sliceSpent()) void nextTurn().then(() => this.#stepNow(iterator, step));
    else {
      const message = this.#waiting.size === 0 ? this.#take() : undefined;
      if (message === undefined) this.#waiting.push(step);
      else step.resolve(new Taken(message));
    }
    return step.promise;
  }

  #stepNow(iterator: object, step: Deferred<Step>): void {
    if (this.#failure !== undefined) step.reject(this.#failure.error);
    else if (this.#ended || this.#iterator !== iterator) step.resolve(DONE);
    else {
      this.#waiting.push(step);
      this.feed();
    }
  }
}
