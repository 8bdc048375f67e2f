/** RabbitMQ for Millrace: topics are exchanges, groups are queues; Watermill's topologies and wire format. */

export { KEY_BASE64_METADATA, KEY_METADATA } from "millrace/adapter";
export { capabilities } from "./capabilities.ts";
export {
  correlatingCodec,
  type DecodedMessage,
  ID_HEADER,
  type RabbitMqCodec,
  type ReceivedProperties,
  type WireMessage,
  type WireProperties,
  watermillCodec,
} from "./codec.ts";
export { fromUrl } from "./from-url.ts";
export {
  type ConnectionOptions,
  type ExchangeOptions,
  type QueueOptions,
  RABBITMQ_DEFAULTS,
  type RabbitMqPublisherOptions,
  type RabbitMqPubSubOptions,
  type RabbitMqSubscriberOptions,
} from "./options.ts";
export { RabbitMqPubSub } from "./pub-sub.ts";
export { RabbitMqPublisher, type RabbitMqPublisherStatus } from "./publisher.ts";
export { type RabbitMqDelivery, rabbitMqDelivery } from "./receipt.ts";
export { RabbitMqSubscriber } from "./subscriber.ts";
export { pubSubTopology, queueTopology, type RabbitMqTopology, type TopicExchangeOptions, type TopologyOptions, topicExchangeTopology } from "./topology.ts";
