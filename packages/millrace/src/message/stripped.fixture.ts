import type {
  ContextKey,
  Delivery,
  DerivedChanges,
  DrainOptions,
  Message,
  MessageOptions,
  Metadata,
  NackOptions,
  ReceivedMessage,
  StandardSchema,
  Subscriber,
  Subscription,
  SubscriptionStatus,
  Verdict,
} from "./index.ts";

/** True in the run of the tests that proves the router to need nothing but the public contract. */
export const STRIPPED: boolean = process.env.MILLRACE_STRIPPED === "1";

/** The subscriber as a foreign one: its messages and subscriptions have the public contract and nothing else. */
export function stripped<S extends Subscriber>(subscriber: S): S {
  const subscribe: Subscriber["subscribe"] = async (topic, options) => new PlainSubscription(await subscriber.subscribe(topic, options));
  return new Proxy(subscriber, {
    get(target, name): unknown {
      if (name === "subscribe") return subscribe;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" && name !== "constructor" ? value.bind(target) : value;
    },
  });
}

export function strippedSubscription(subscription: Subscription): Subscription {
  return new PlainSubscription(subscription);
}

/** The message with the public contract and nothing else. */
export function plain(message: ReceivedMessage): ReceivedMessage {
  return new PlainReceived(message);
}

/** The subscriber as a foreign one whose messages are changed one by one. */
export function withMessages<S extends Subscriber>(subscriber: S, change: (message: ReceivedMessage) => ReceivedMessage): Subscriber {
  const subscribe: Subscriber["subscribe"] = async (topic, options) => new PlainSubscription(await subscriber.subscribe(topic, options), change);
  return { subscribe, close: () => subscriber.close(), [Symbol.asyncDispose]: () => subscriber[Symbol.asyncDispose]() };
}

class PlainSubscription implements Subscription {
  readonly #inner: Subscription;
  readonly #change: (message: ReceivedMessage) => ReceivedMessage;

  constructor(inner: Subscription, change: (message: ReceivedMessage) => ReceivedMessage = plain) {
    this.#inner = inner;
    this.#change = change;
  }

  get topic(): string {
    return this.#inner.topic;
  }

  get closed(): Promise<void> {
    return this.#inner.closed;
  }

  get finished(): boolean {
    return this.#inner.finished;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedMessage, void> {
    for await (const message of this.#inner) yield this.#change(message);
  }

  status(): SubscriptionStatus {
    return this.#inner.status();
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  flush(): Promise<void> {
    return this.#inner.flush();
  }

  drain(options?: DrainOptions): Promise<void> {
    return this.#inner.drain(options);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }
}

class PlainReceived implements ReceivedMessage {
  readonly #inner: ReceivedMessage;

  constructor(inner: ReceivedMessage) {
    this.#inner = inner;
  }

  get id(): string {
    return this.#inner.id;
  }

  get key(): string | undefined {
    return this.#inner.key;
  }

  get keyBytes(): Uint8Array | undefined {
    return this.#inner.keyBytes;
  }

  get dueAt(): Date | undefined {
    return this.#inner.dueAt;
  }

  get topic(): string | undefined {
    return this.#inner.topic;
  }

  get payload(): Uint8Array {
    return this.#inner.payload;
  }

  get metadata(): Metadata {
    return this.#inner.metadata;
  }

  get delivery(): Delivery {
    return this.#inner.delivery;
  }

  get signal(): AbortSignal {
    return this.#inner.signal;
  }

  get settled(): Promise<Verdict> {
    return this.#inner.settled;
  }

  ack(): boolean {
    return this.#inner.ack();
  }

  nack(options?: NackOptions): boolean {
    return this.#inner.nack(options);
  }

  get<T>(key: ContextKey<T>): T | undefined {
    return this.#inner.get(key);
  }

  derive(changes: DerivedChanges): ReceivedMessage {
    return new PlainReceived(this.#inner.derive(changes));
  }

  text(): string {
    return this.#inner.text();
  }

  json(): unknown;
  json<Output>(schema: StandardSchema<unknown, Output>): Output;
  json(schema?: StandardSchema<unknown, unknown>): unknown {
    return schema === undefined ? this.#inner.json() : this.#inner.json(schema);
  }

  jsonAsync<Output>(schema: StandardSchema<unknown, Output>): Promise<Output> {
    return this.#inner.jsonAsync(schema);
  }

  copy(changes?: MessageOptions): Message {
    return this.#inner.copy(changes);
  }
}
