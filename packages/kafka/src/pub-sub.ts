import type { BrokerAdmin, Capabilities, Message, PublishOptions, PubSub, SubscribeOptions, Subscription } from "millrace";
import { OptionCheck, pickOptions } from "millrace/adapter";
import { capabilitiesOf } from "./capabilities.ts";
import { KafkaPublisher } from "./publisher.ts";
import { checkPublisherOptions, type KafkaPublisherOptions, PUBLISHER_NAMES } from "./publisher-options.ts";
import { KafkaSubscriber } from "./subscriber.ts";
import { checkSubscriberOptions, type KafkaSubscriberOptions, SUBSCRIBER_NAMES } from "./subscriber-options.ts";

export interface KafkaPubSubOptions extends KafkaPublisherOptions, KafkaSubscriberOptions {}

/**
 * Both sides of Kafka in one object, each on connections of its own. See `KafkaPublisher` and `KafkaSubscriber` for what each
 * side promises.
 *
 * ```ts
 * const bus = new KafkaPubSub({ url: "kafka://localhost:9092" });
 * const orders = await bus.subscribe("order.placed", { group: "billing" });
 * await bus.publish("order.placed", Message.json({ id: "o-1" }, { key: "o-1" }));
 * for await (const message of orders) {
 *   message.ack();
 *   break;
 * }
 * await bus.close();
 * ```
 */
export class KafkaPubSub implements PubSub {
  readonly capabilities: Capabilities;
  readonly #publisher: KafkaPublisher;
  readonly #subscriber: KafkaSubscriber;
  #closing: Promise<void> | undefined;

  constructor(options: KafkaPubSubOptions) {
    const check = new OptionCheck("KafkaPubSub").known(options, { ...PUBLISHER_NAMES, ...SUBSCRIBER_NAMES });
    checkPublisherOptions(check, options);
    checkSubscriberOptions(check, options).done();
    this.capabilities = capabilitiesOf(options);
    this.#publisher = new KafkaPublisher(pickOptions<KafkaPublisherOptions>(options, PUBLISHER_NAMES));
    this.#subscriber = new KafkaSubscriber(pickOptions<KafkaSubscriberOptions>(options, SUBSCRIBER_NAMES));
  }

  /** What tools may ask of the cluster: see `BrokerAdmin`. */
  get admin(): BrokerAdmin {
    return this.#subscriber.admin;
  }

  publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    return this.#publisher.publish(topic, messages, options);
  }

  subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    return this.#subscriber.subscribe(topic, options);
  }

  /** Makes the topic and, with `group`, puts on record where the group begins. */
  provision(topic: string, options: Pick<SubscribeOptions, "group" | "from"> = {}): Promise<void> {
    return this.#subscriber.provision(topic, options);
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
