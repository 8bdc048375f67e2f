import type { ReceivedMessage, SubscribeOptions, Subscriber, Subscription, SubscriptionStatus } from "millrace";
import { ForeignMessage } from "./foreign-message.ts";

const SINCE = new Date();
type Step = IteratorResult<ReceivedMessage, undefined>;

/** A subscriber by the contract alone: an iterator whose next message is always there, until there were `count`. */
export class ForeignSubscriber implements Subscriber {
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  async subscribe(topic: string, _options?: SubscribeOptions): Promise<Subscription> {
    return new ForeignSubscription(topic, this.#count);
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

class ForeignSubscription implements Subscription, AsyncIterator<ReceivedMessage, undefined> {
  readonly topic: string;
  readonly closed: Promise<void>;
  readonly finished: boolean = false;
  #left: number;
  #close: () => void = () => {};

  constructor(topic: string, count: number) {
    this.topic = topic;
    this.#left = count;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  next(): Promise<Step> {
    if (this.#left === 0) return this.closed.then(() => ({ value: undefined, done: true }));
    this.#left--;
    return Promise.resolve({ value: new ForeignMessage(`${this.#left}`, this.topic), done: false });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  status(): SubscriptionStatus {
    return { state: "running", since: SINCE, inFlight: 0, held: this.#left };
  }

  pause(): void {}

  resume(): void {}

  async flush(): Promise<void> {}

  async drain(): Promise<void> {
    this.#close();
  }

  async close(): Promise<void> {
    this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }
}
