/** Apache Kafka: groups with lanes per key, publishing in batches that are removed when repeated, transactions. */

export { capabilities } from "./capabilities.ts";
export { type FetchedRecord, type HeaderInit, type KafkaCodec, type RecordInit, type WatermillCodecOptions, watermillCodec } from "./codec.ts";
export { type BrokerAddress, CONNECTION_DEFAULTS, type KafkaConnectionOptions, type KafkaSaslOptions } from "./connection-options.ts";
export { type KafkaDelivery, kafkaDelivery } from "./delivery.ts";
export { fromUrl } from "./from-url.ts";
export type { KafkaTransaction } from "./open-transaction.ts";
export { javaPartitioner, type Partitioner, saramaPartitioner } from "./partitioners.ts";
export { KafkaPubSub, type KafkaPubSubOptions } from "./pub-sub.ts";
export { KafkaPublisher } from "./publisher.ts";
export { type KafkaPublisherOptions, PUBLISHER_DEFAULTS } from "./publisher-options.ts";
export { KafkaSubscriber } from "./subscriber.ts";
export { type KafkaSubscriberOptions, SUBSCRIBER_DEFAULTS } from "./subscriber-options.ts";
export { tombstone } from "./tombstone.ts";
export type { Provision, TopicSettings } from "./topology.ts";
export { KafkaTransactor, type KafkaTransactorOptions } from "./transactor.ts";
export type { Compression } from "./wire/batch-builder.ts";
export { type RawHeader, UUID_HEADER } from "./wire/record.ts";
