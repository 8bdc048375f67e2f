import {
  Message,
  MillraceError,
  type NackOptions,
  type ReceivedMessage,
  type SubscribeOptions,
  type Subscriber,
  type Subscription,
  type SubscriptionStatus,
} from "millrace";
import { Received, type Settler } from "millrace/adapter";

const SINCE = new Date();
type Step = IteratorResult<ReceivedMessage, undefined>;

/** A subscriber that knows nothing of the adapter layer: an iterator whose next message is always there. */
export class PlainSubscriber implements Subscriber {
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  async subscribe(topic: string, _options?: SubscribeOptions): Promise<Subscription> {
    return new PlainSubscription(topic, this.#count);
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

class PlainSubscription implements Subscription, Settler<undefined>, AsyncIterator<ReceivedMessage, undefined> {
  readonly topic: string;
  readonly closed: Promise<void>;
  readonly finished = false;
  readonly #message = { source: new Message(new Uint8Array(16)), key: undefined, payload: new Uint8Array(16), metadata: undefined };
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
    const message = new Received<undefined>(this.#message, undefined);
    message.adopt(this, this.#left);
    return Promise.resolve({ value: message, done: false });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  holds(): boolean {
    return true;
  }

  onAck(): void {}

  onNack(_message: Received<undefined>, _options: NackOptions | undefined): void {
    throw new MillraceError("nothing fails in this bench", { code: "UNEXPECTED" });
  }

  onHandBack(): void {}

  orderOf(): undefined {
    return undefined;
  }

  describe(): ReceivedMessage["delivery"] {
    return { topic: this.topic, attempt: 1 };
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
