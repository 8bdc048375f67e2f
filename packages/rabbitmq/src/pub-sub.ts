import type { BrokerAdmin } from "millrace";
import { PubSubShell, pickOptions } from "millrace/adapter";
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
export class RabbitMqPubSub extends PubSubShell {
  /** What tools may ask over AMQP: see `BrokerAdmin`. */
  declare readonly admin: BrokerAdmin;
  readonly #publisher: RabbitMqPublisher;

  constructor(options: RabbitMqPubSubOptions) {
    checkOptions("RabbitMqPubSub", options, PUB_SUB_NAMES);
    const publisher = new RabbitMqPublisher(pickOptions<RabbitMqPublisherOptions>(options, PUBLISHER_NAMES));
    const subscriber = new RabbitMqSubscriber(pickOptions<RabbitMqSubscriberOptions>(options, SUBSCRIBER_NAMES));
    const { maxPublishDelayMs } = publisher.capabilities;
    const { capabilities } = subscriber;
    const same = capabilities.maxPublishDelayMs === maxPublishDelayMs;
    super({ capabilities: same ? capabilities : { ...capabilities, maxPublishDelayMs }, publisher, subscriber });
    this.#publisher = publisher;
  }

  /** What the publishing side is doing; a subscription tells its own status. */
  status(): RabbitMqPublisherStatus {
    return this.#publisher.status();
  }
}
