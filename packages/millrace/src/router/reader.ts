import { deferred } from "../internal/deferred.ts";
import { nextTurn, sliceSpent } from "../internal/slice.ts";
import type { ReceivedMessage, Subscription } from "../message/index.ts";
import { type SubscriptionDoor, subscriptionDoor } from "../message/subscription-door.ts";
import type { Slots } from "./calls/slots.ts";

/** Reads one subscription and hands each message out as soon as a slot is free, in the order in which they came. */
export class Reader {
  readonly #iterator: AsyncIterator<ReceivedMessage>;
  readonly #door: SubscriptionDoor | undefined;
  /** None where whoever handles the messages takes the slots. */
  readonly #slots: Slots | undefined;
  readonly #hand: (message: ReceivedMessage) => void;
  readonly #over = deferred<void>();
  /** Came when no slot was free any more. */
  #held: ReceivedMessage | undefined;
  #going = false;
  /** It waits for the subscription, or for its turn in the event loop. */
  #waiting = false;
  #asked = false;
  #paused = false;
  #ended = false;
  #failure: unknown;

  constructor(subscription: Subscription, slots: Slots | undefined, hand: (message: ReceivedMessage) => void) {
    this.#iterator = subscription[Symbol.asyncIterator]();
    this.#door = subscriptionDoor(subscription);
    this.#slots = slots;
    this.#hand = hand;
  }

  /** Reads until the subscription has ended; answers with what broke it, if something did. Calls may go on. */
  async run(): Promise<unknown> {
    this.#goOn();
    await this.#over.promise;
    return this.#failure;
  }

  /** Hands out nothing more. */
  end(failure?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#giveBackHeld();
    this.#over.resolve();
  }

  /** What is read already and not handed out goes back, and what is on its way. To be called before the subscription is paused. */
  pause(): void {
    this.#paused = true;
    this.#giveBackHeld();
  }

  resume(): void {
    this.#paused = false;
  }

  #giveBackHeld(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#giveBack(held);
  }

  #giveBack(message: ReceivedMessage): void {
    try {
      message.nack({ uncounted: true, reason: "handed back" });
    } catch (error) {
      this.end(error);
    }
  }

  #goOn(): void {
    if (this.#going) return; // what was handed out has ended at once: the loop below goes on by itself
    this.#going = true;
    try {
      while (!this.#ended && !this.#waiting) {
        if (this.#slots !== undefined && !this.#slots.free) {
          this.#askForSlot();
          return;
        }
        const message = this.#held === undefined ? this.#door?.take() : this.#takeHeld();
        if (message === undefined) this.#ask();
        else this.#give(message);
      }
    } catch (error) {
      this.end(error);
    } finally {
      this.#going = false;
    }
  }

  #takeHeld(): ReceivedMessage | undefined {
    const message = this.#held;
    this.#held = undefined;
    return message;
  }

  #give(message: ReceivedMessage): void {
    this.#hand(message);
    if (!sliceSpent()) return;
    this.#waiting = true;
    void nextTurn().then(this.#onTurn);
  }

  #askForSlot(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#slots?.whenFree(this.#onSlot);
  }

  #ask(): void {
    this.#waiting = true;
    if (this.#door?.whenNext(this.#onNext) !== true) this.#askIterator();
  }

  #askIterator(): void {
    this.#waiting = true;
    this.#iterator.next().then(this.#onStep, this.#onError);
  }

  #onMessage(message: ReceivedMessage): void {
    if (this.#ended || this.#paused) this.#giveBack(message);
    else this.#held = message;
    this.#goOn();
  }

  // Made once, not for each message.

  readonly #onSlot = (): void => {
    this.#asked = false;
    this.#goOn();
  };

  readonly #onTurn = (): void => {
    this.#waiting = false;
    this.#goOn();
  };

  readonly #onNext = (message: ReceivedMessage | undefined): void => {
    this.#waiting = false;
    if (message !== undefined) this.#onMessage(message);
    else if (!this.#ended) this.#askIterator();
  };

  readonly #onStep = (step: IteratorResult<ReceivedMessage>): void => {
    this.#waiting = false;
    if (step.done) this.end();
    else this.#onMessage(step.value);
  };

  readonly #onError = (error: unknown): void => this.end(error);
}
