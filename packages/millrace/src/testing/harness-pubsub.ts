import { checkPublish } from "../adapter/index.ts";
import type { BrokerAdmin, Capabilities, Message, PublishOptions, PubSub, SubscribeOptions, Subscriber, Subscription } from "../message/index.ts";
import { transformSubscriber } from "../message/transform-subscriber.ts";
import type { Faults } from "./faults.ts";

const FAILED_DELIVERY_MS = 100;

/** A message that a publish call confirmed, as it was at that moment. */
export interface Published {
  readonly topic: string;
  readonly message: Message;
  /** On the harness's clock. */
  readonly at: Date;
}

/** The harness's pub/sub: writes down what is published, and lets faults strike on the way. */
export class HarnessPubSub implements PubSub {
  readonly published: Published[] = [];
  readonly subscriptions: Set<Subscription> = new Set();
  /** Rises with every publish call and every hand-out. */
  activity = 0;
  /** When the last of all messages is due that were ever delayed, in milliseconds since the epoch; 0 without one. */
  lastDueMs = 0;
  readonly #inner: PubSub;
  readonly #faults: Faults;
  readonly #reader: Subscriber;

  constructor(inner: PubSub, faults: Faults) {
    this.#inner = inner;
    this.#faults = faults;
    this.#reader = transformSubscriber((message, topic) => {
      this.activity++;
      try {
        faults.onDelivery(topic);
      } catch (error) {
        message.nack({ delayMs: FAILED_DELIVERY_MS }); // as if its handler had failed: counted
        throw error;
      }
    })(inner);
  }

  get capabilities(): Capabilities | undefined {
    return this.#inner.capabilities;
  }

  get admin(): BrokerAdmin | undefined {
    return this.#inner.admin;
  }

  async publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message];
    checkPublish("harness", topic, list, options);
    this.activity++;
    if (list.length === 0) return;
    const snapshots = list.map((message) => message.copy());
    const fault = this.#faults.onPublish(topic, list.length);
    if (fault !== undefined && !fault.stored) throw fault.error;
    await this.#store(
      snapshots.flatMap((message) => this.#faults.onStore(topic, message)),
      options,
    );
    for (const message of snapshots) this.published.push({ topic, message, at: new Date() });
    if (fault !== undefined) throw fault.error;
  }

  async subscribe(topic: string, options?: SubscribeOptions): Promise<Subscription> {
    const subscription = await this.#reader.subscribe(topic, options);
    this.subscriptions.add(subscription);
    const forget = (): void => void this.subscriptions.delete(subscription);
    subscription.closed.then(forget, forget);
    return subscription;
  }

  async provision(topic: string, options?: Pick<SubscribeOptions, "group" | "from">): Promise<void> {
    await this.#inner.provision?.(topic, options);
  }

  /** Delivers what was gathered for another order and is not complete. */
  async letGo(): Promise<void> {
    await this.#store(this.#faults.letGo(), undefined);
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #store(entries: readonly { readonly topic: string; readonly message: Message }[], options: PublishOptions | undefined): Promise<void> {
    // Neighbours of one topic stay one call.
    for (let from = 0; from < entries.length; ) {
      const topic = entries[from]?.topic as string;
      let to = from;
      while (to < entries.length && entries[to]?.topic === topic) to++;
      const messages = entries.slice(from, to).map(({ message }) => message);
      await this.#inner.publish(topic, messages, options);
      for (const { dueAt } of messages) if (dueAt !== undefined) this.lastDueMs = Math.max(this.lastDueMs, dueAt.getTime());
      from = to;
    }
  }
}
