import type { Logger } from "millrace";
import { OptionCheck, type OptionNames } from "millrace/adapter";
import type { KafkaCodec } from "./codec.ts";
import { CONNECTION_NAMES, checkConnection, type KafkaConnectionOptions } from "./connection-options.ts";
import type { Partitioner } from "./partitioners.ts";
import { checkTopics, type Provision, type TopicSettings } from "./topology.ts";
import type { Compression } from "./wire/batch-builder.ts";

export interface KafkaPublisherOptions extends KafkaConnectionOptions {
  /** Default `watermillCodec()`. */
  readonly codec?: KafkaCodec | undefined;
  /** Default `"create"`: topics that are not there are made, as `topics` says. */
  readonly provision?: Provision | undefined;
  /** Settings of topics that are made. */
  readonly topics?: TopicSettings | ((topic: string) => TopicSettings) | undefined;
  /** Who gets a message with a key: `"java"` (default) as Kafka's Java clients choose, `"sarama"` as Watermill and other Go clients do. */
  readonly partitioner?: "java" | "sarama" | Partitioner | undefined;
  /** `"all"` (default): the in-sync replicas have it. `"leader"`: the leader has it; it may be lost when that one dies. */
  readonly acks?: "all" | "leader" | undefined;
  /** The broker removes what is repeated after a lost answer. Default true; needs acks `"all"`. */
  readonly idempotent?: boolean | undefined;
  /** Default `"none"`. */
  readonly compression?: Compression | undefined;
  /** Most bytes of one batch, before compression; below the topic's `max.message.bytes`. Default 900,000. */
  readonly maxBatchBytes?: number | undefined;
  /** Bytes that may wait to be confirmed; a call beyond them waits for room, beyond sixteen times as many it is refused. Default 64 MiB. */
  readonly maxWaitingBytes?: number | undefined;
  /** How long a call may take: waiting for room, for a broker, for its confirmation. Default 30,000 ms. */
  readonly publishTimeoutMs?: number | undefined;
  /** How often the topics that are published to are looked at for partitions that were added. Default 30,000 ms. */
  readonly topicRefreshMs?: number | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}

export const PUBLISHER_NAMES: OptionNames<KafkaPublisherOptions> = {
  ...CONNECTION_NAMES,
  codec: true,
  provision: true,
  topics: true,
  partitioner: true,
  acks: true,
  idempotent: true,
  compression: true,
  maxBatchBytes: true,
  maxWaitingBytes: true,
  publishTimeoutMs: true,
  topicRefreshMs: true,
};

export const PUBLISHER_DEFAULTS: {
  readonly maxBatchBytes: number;
  readonly maxWaitingBytes: number;
  readonly publishTimeoutMs: number;
  readonly topicRefreshMs: number;
} = Object.freeze({
  maxBatchBytes: 900_000,
  maxWaitingBytes: 64 * 1024 * 1024,
  publishTimeoutMs: 30_000,
  topicRefreshMs: 30_000,
});

/** Adds to `check` what is wrong with the values of a publisher's options. */
export function checkPublisherOptions(check: OptionCheck, options: KafkaPublisherOptions): OptionCheck {
  const { topics, acks = "all", idempotent = acks === "all", partitioner } = options;
  checkConnection(check, options)
    .methods("codec", options.codec, ["encode", "decode"])
    .oneOf("provision", options.provision, ["create", "verify", "off"])
    .that(
      partitioner === undefined || partitioner === "java" || partitioner === "sarama" || typeof partitioner === "function",
      'partitioner must be "java", "sarama" or a function',
    )
    .oneOf("acks", options.acks, ["all", "leader"])
    .flag("idempotent", options.idempotent)
    .that(!(idempotent && acks === "leader"), 'idempotent needs acks: "all"')
    .oneOf("compression", options.compression, ["none", "gzip", "snappy", "lz4", "zstd"])
    .integer("maxBatchBytes", options.maxBatchBytes, { min: 1000 })
    .integer("maxWaitingBytes", options.maxWaitingBytes, { min: 1 })
    .duration("publishTimeoutMs", options.publishTimeoutMs, { min: 1 })
    .duration("topicRefreshMs", options.topicRefreshMs, { min: 100 })
    .methods("logger", options.logger, ["trace", "debug", "info", "warn", "error"]);
  return checkTopics(check, topics);
}

export function checkPublisher(options: KafkaPublisherOptions): void {
  checkPublisherOptions(new OptionCheck("KafkaPublisher").known(options, PUBLISHER_NAMES), options).done();
}
