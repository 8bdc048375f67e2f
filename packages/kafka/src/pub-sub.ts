import type { BrokerAdmin } from "millrace";
import { OptionCheck, PubSubShell, pickOptions } from "millrace/adapter";
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
export class KafkaPubSub extends PubSubShell {
  /** What tools may ask of the cluster: see `BrokerAdmin`. */
  declare readonly admin: BrokerAdmin;

  constructor(options: KafkaPubSubOptions) {
    const check = new OptionCheck("KafkaPubSub").known(options, { ...PUBLISHER_NAMES, ...SUBSCRIBER_NAMES });
    checkPublisherOptions(check, options);
    checkSubscriberOptions(check, options).done();
    super({
      capabilities: capabilitiesOf(options),
      publisher: new KafkaPublisher(pickOptions<KafkaPublisherOptions>(options, PUBLISHER_NAMES)),
      subscriber: new KafkaSubscriber(pickOptions<KafkaSubscriberOptions>(options, SUBSCRIBER_NAMES)),
    });
  }
}
