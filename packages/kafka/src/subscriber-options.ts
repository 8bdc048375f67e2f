import type { Logger } from "millrace";
import { checkSharedOptions, type OptionCheck, type OptionNames } from "millrace/adapter";
import type { KafkaCodec } from "./codec.ts";
import { CONNECTION_NAMES, checkConnection, type KafkaConnectionOptions } from "./connection-options.ts";
import { checkTopics, type Provision, type TopicSettings } from "./topology.ts";

export interface KafkaSubscriberOptions extends KafkaConnectionOptions {
  /** Default `watermillCodec()`. */
  readonly codec?: KafkaCodec | undefined;
  /** Default `"create"`: topics that are not there are made, as `topics` says. */
  readonly provision?: Provision | undefined;
  readonly topics?: TopicSettings | ((topic: string) => TopicSettings) | undefined;
  /** The group's id in Kafka. Default: the group itself. Give the id of a Go service to share its group. */
  readonly groupName?: ((topic: string, group: string) => string) | undefined;
  /**
   * `"cooperative"` (default): only partitions that move are let go of; all members must do so. `"eager"`: everybody lets go of
   * everything, as Watermill's and other Go clients do by default: for groups shared with them.
   */
  readonly rebalance?: "cooperative" | "eager" | undefined;
  /** What order is kept by above one in flight: the message's key (default), or its partition. */
  readonly orderBy?: "key" | "partition" | undefined;
  /** `"committed"` (default) hides what transactions have not committed. */
  readonly isolation?: "committed" | "uncommitted" | undefined;
  /** After this time without a heartbeat the group gives our partitions to others. Default 10,000 ms. */
  readonly sessionTimeoutMs?: number | undefined;
  /** Default 1,500 ms. */
  readonly heartbeatMs?: number | undefined;
  /** How long the group waits for its members to join again. Default 60,000 ms. */
  readonly rebalanceTimeoutMs?: number | undefined;
  /** How long handlers of partitions that move may go on. Heartbeats go on meanwhile. Default 30,000 ms, at most half of `rebalanceTimeoutMs`. */
  readonly revokeDrainMs?: number | undefined;
  /** How often the topic is looked at for partitions that were added. Default 30,000 ms. */
  readonly topicRefreshMs?: number | undefined;
  /** How far past its first unsettled message a partition is read. Default 10,000. */
  readonly maxGap?: number | undefined;
  /** Most bytes of one fetch from one broker. Default 8 MiB. */
  readonly fetchBytes?: number | undefined;
  /** Most bytes of one partition in a fetch; twice that may be held here undecoded. Default 1 MiB. */
  readonly partitionFetchBytes?: number | undefined;
  /** Most messages held ahead. Default 1,000. */
  readonly prefetch?: number | undefined;
  /** Most payload bytes held ahead. Default 32 MiB. */
  readonly prefetchBytes?: number | undefined;
  /** Most messages that failed or wait behind a failed one. Default 1,000. */
  readonly parkLimit?: number | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}

export const SUBSCRIBER_NAMES: OptionNames<KafkaSubscriberOptions> = {
  ...CONNECTION_NAMES,
  codec: true,
  provision: true,
  topics: true,
  groupName: true,
  rebalance: true,
  orderBy: true,
  isolation: true,
  sessionTimeoutMs: true,
  heartbeatMs: true,
  rebalanceTimeoutMs: true,
  revokeDrainMs: true,
  topicRefreshMs: true,
  maxGap: true,
  fetchBytes: true,
  partitionFetchBytes: true,
  prefetch: true,
  prefetchBytes: true,
  parkLimit: true,
};

const MIB = 1024 * 1024;

export const SUBSCRIBER_DEFAULTS: {
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly revokeDrainMs: number;
  readonly topicRefreshMs: number;
  readonly maxGap: number;
  readonly fetchBytes: number;
  readonly partitionFetchBytes: number;
} = Object.freeze({
  sessionTimeoutMs: 10_000,
  heartbeatMs: 1_500,
  rebalanceTimeoutMs: 60_000,
  revokeDrainMs: 30_000,
  topicRefreshMs: 30_000,
  maxGap: 10_000,
  fetchBytes: 8 * MIB,
  partitionFetchBytes: MIB,
});

/** Adds to `check` what is wrong with the values of a subscriber's options. */
export function checkSubscriberOptions(check: OptionCheck, options: KafkaSubscriberOptions): OptionCheck {
  const { sessionTimeoutMs = SUBSCRIBER_DEFAULTS.sessionTimeoutMs, heartbeatMs = SUBSCRIBER_DEFAULTS.heartbeatMs } = options;
  checkConnection(check, options)
    .methods("codec", options.codec, ["encode", "decode"])
    .oneOf("provision", options.provision, ["create", "verify", "off"])
    .call("groupName", options.groupName)
    .oneOf("rebalance", options.rebalance, ["cooperative", "eager"])
    .oneOf("orderBy", options.orderBy, ["key", "partition"])
    .oneOf("isolation", options.isolation, ["committed", "uncommitted"])
    .duration("sessionTimeoutMs", options.sessionTimeoutMs, { min: 1000 })
    .duration("heartbeatMs", options.heartbeatMs, { min: 50 })
    .that(!(heartbeatMs * 2 > sessionTimeoutMs), "heartbeatMs must be at most half of sessionTimeoutMs")
    .duration("rebalanceTimeoutMs", options.rebalanceTimeoutMs, { min: 1000 })
    .duration("revokeDrainMs", options.revokeDrainMs, { min: 0 })
    .duration("topicRefreshMs", options.topicRefreshMs, { min: 100 })
    .integer("maxGap", options.maxGap, { min: 1 })
    .integer("fetchBytes", options.fetchBytes, { min: 1 })
    .integer("partitionFetchBytes", options.partitionFetchBytes, { min: 1 });
  return checkSharedOptions(checkTopics(check, options.topics), options);
}
