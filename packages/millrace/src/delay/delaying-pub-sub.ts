import type { Logger } from "../logger/index.ts";
import type { BrokerAdmin, Capabilities, Message, PublishOptions, PubSub, SubscribeOptions, Subscription } from "../message/index.ts";
import { DelayingPublisher } from "./delaying-publisher.ts";

/** A broker and the store of what it cannot hold back, as one pub/sub that owns both. Closes in their order: the relaying, the broker, the store. */
export class DelayingPubSub implements PubSub {
  readonly #broker: PubSub;
  readonly #store: PubSub;
  readonly #delaying: DelayingPublisher;
  #closing: Promise<void> | undefined;
  readonly provision?: NonNullable<PubSub["provision"]>;

  constructor(broker: PubSub, store: PubSub, logger: Logger | undefined) {
    this.#broker = broker;
    this.#store = store;
    this.#delaying = new DelayingPublisher({ publisher: broker, store, logger });
    if (broker.provision !== undefined) this.provision = (topic, options) => broker.provision?.(topic, options) ?? Promise.resolve();
  }

  get capabilities(): Capabilities | undefined {
    return this.#delaying.capabilities;
  }

  get admin(): BrokerAdmin | undefined {
    return this.#broker.admin;
  }

  /** Begins to relay what is parked in the store. */
  start(): Promise<void> {
    return this.#delaying.start();
  }

  publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    return this.#delaying.publish(topic, messages, options);
  }

  subscribe(topic: string, options?: SubscribeOptions): Promise<Subscription> {
    return this.#broker.subscribe(topic, options);
  }

  close(): Promise<void> {
    this.#closing ??= inTurn(
      () => this.#delaying.close(),
      () => this.#broker.close(),
      () => this.#store.close(),
    );
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await inTurn(
      () => this.#delaying[Symbol.asyncDispose](),
      () => this.#broker[Symbol.asyncDispose](),
      () => this.#store[Symbol.asyncDispose](),
      () => this.close(),
    );
  }
}

/** Ends one after the other, whatever fails; the first failure is thrown when all is done. */
async function inTurn(...ends: readonly (() => PromiseLike<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const end of ends) {
    try {
      await end();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
