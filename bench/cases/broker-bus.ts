import { KafkaPubSub } from "@millrace/kafka";
import { RabbitMqPubSub } from "@millrace/rabbitmq";

/** The adapter with its defaults. */
export function brokerBus(url: string): KafkaPubSub | RabbitMqPubSub {
  return url.startsWith("kafka:") ? new KafkaPubSub({ url }) : new RabbitMqPubSub({ url });
}
