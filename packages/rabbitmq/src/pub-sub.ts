import type { BrokerAdmin, Capabilities, Message, PublishOptions, PubSub, SubscribeOptions, Subscription } from "millrace";
import { pickOptions } from "millrace/adapter";
import {
  checkOptions,
  PUB_SUB_NAMES,
  PUBLISHER_NAMES,
  type RabbitMqPublisherOptions,
  type RabbitMqPubSubOptions,
  type RabbitMqSubscriberOptions,
  SUBSCRIBER_NAMES,
} from "./options.ts";
import { RabbitMqPublisher, type RabbitMqPublisherStatus } from "./publisher.ts";
import { RabbitMqSubscriber } from "./subscriber.ts";

/**
 * Both sides of RabbitMQ in one object, each on a connection of its own: a broker that takes no messages for want of memory still
 * takes acks. See `RabbitMqPublisher` and `RabbitMqSubscriber` for what each side promises.
 *
 * ```ts
 * const bus = new RabbitMqPubSub({ url: "amqp://localhost" });
 * const orders = await bus.subscribe("order.placed", { group: "billing" });
 * await bus.publish("order.placed", Message.json({ id: "o-1" }));
 * for await (const message of orders) {
 *   message.ack();
 *   break;
 * }
 * await bus.close();
 * ```
 */
export class RabbitMqPubSub implements PubSub {
  readonly #publisher: RabbitMqPublisher;
  readonly #subscriber: RabbitMqSubscriber;
  #closing: Promise<void> | undefined;

  constructor(options: RabbitMqPubSubOptions) {
    checkOptions("RabbitMqPubSub", options, PUB_SUB_NAMES);
    this.#publisher = new RabbitMqPublisher(pickOptions<RabbitMqPublisherOptions>(options, PUBLISHER_NAMES));
    this.#subscriber = new RabbitMqSubscriber(pickOptions<RabbitMqSubscriberOptions>(options, SUBSCRIBER_NAMES));
  }

  get capabilities(): Capabilities {
    const { maxPublishDelayMs } = this.#publisher.capabilities;
    const { capabilities } = this.#subscriber;
    return capabilities.maxPublishDelayMs === maxPublishDelayMs ? capabilities : { ...capabilities, maxPublishDelayMs };
  }

  /** What tools may ask over AMQP: see `BrokerAdmin`. */
  get admin(): BrokerAdmin {
    return this.#subscriber.admin;
  }

  publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    return this.#publisher.publish(topic, messages, options);
  }

  subscribe(topic: string, options?: SubscribeOptions): Promise<Subscription> {
    return this.#subscriber.subscribe(topic, options);
  }

  /** Declares exchange, queue and binding of a group, so that nothing published from now on is missed. */
  provision(topic: string, options?: Pick<SubscribeOptions, "group" | "from">): Promise<void> {
    return this.#subscriber.provision(topic, options);
  }

  /** What the publishing side is doing; a subscription tells its own status. */
  status(): RabbitMqPublisherStatus {
    return this.#publisher.status();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#subscriber[Symbol.asyncDispose]();
    await this.close();
  }

  async #close(): Promise<void> {
    try {
      await this.#subscriber.close();
    } finally {
      await this.#publisher.close();
    }
  }
}
