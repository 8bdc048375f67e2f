import { type BrokerAdmin, type Capabilities, type From, OptionError, type SubscribeOptions } from "millrace";
import { guarded, type Reading, type Received, type SubscriberParts } from "millrace/adapter";
import { kafkaAdmin } from "./admin.ts";
import { capabilities } from "./capabilities.ts";
import { watermillCodec } from "./codec.ts";
import { GroupClient, hasMembers, whileCoordinatorMoves } from "./group-client.ts";
import { GroupSource } from "./group-source.ts";
import { brokerError } from "./kafka-error.ts";
import type { PartitionRecord } from "./partition-reader.ts";
import type { ReadingRules } from "./reading-rules.ts";
import { SoloSource } from "./solo-source.ts";
import { parsePosition, startOffsets } from "./start-offsets.ts";
import { type KafkaSubscriberOptions, SUBSCRIBER_DEFAULTS } from "./subscriber-options.ts";
import { Topology } from "./topology.ts";
import { Cluster, type TopicInfo } from "./wire/cluster.ts";

/** Commits are dear for a broker: verdicts gather for this long, or until so many are there. */
const SETTLE_DELAY_MS = 100;
const SETTLE_BATCH = 256;
/** With the time that connecting may take, tries are at most 5 s apart. */
const RECONNECT = { maxDelayMs: 2000 };

/** What a `KafkaSubscriber` reads with: one cluster for all subscriptions. */
export class KafkaReading implements SubscriberParts<PartitionRecord> {
  readonly capabilities: Capabilities = capabilities;
  readonly admin: BrokerAdmin;
  readonly #options: KafkaSubscriberOptions;
  readonly #cluster: Cluster;
  readonly #topology: Topology;

  constructor(options: KafkaSubscriberOptions) {
    this.#options = options;
    this.#cluster = new Cluster(options);
    this.#topology = new Topology(this.#cluster, { provision: options.provision ?? "create", settings: options.topics });
    this.admin = kafkaAdmin({
      cluster: this.#cluster,
      committedOnly: this.#committedOnly,
      groupName: (topic, group) => this.#groupName(topic, group),
      renamed: options.groupName !== undefined,
    });
  }

  check(_topic: string, { from }: SubscribeOptions): void {
    if (typeof from !== "object" || !("position" in from) || parsePosition(from.position) !== undefined) return;
    throw new OptionError("KafkaSubscriber.subscribe", ['from: { position } must be "partition:offset", or several separated by commas']);
  }

  reading(topic: string, options: SubscribeOptions): Reading<PartitionRecord> {
    const { prefetch, prefetchBytes, parkLimit, logger, orderBy } = this.#options;
    return {
      source: this.#source(topic, options),
      settings: {
        adapter: "kafka",
        prefetch,
        prefetchBytes,
        parkLimit,
        logger,
        settleDelayMs: SETTLE_DELAY_MS,
        settlesApart: true,
        settleBatch: SETTLE_BATCH,
        reconnect: RECONNECT,
        ...(orderBy === "partition" ? { orderingKey: (message: Received) => partitionKey(message.receipt as PartitionRecord) } : {}),
      },
    };
  }

  async provision(topic: string, { group, from = "earliest" }: Pick<SubscribeOptions, "group" | "from">): Promise<void> {
    const info = await this.#topology.ensure(topic);
    if (group === undefined) return;
    await whileCoordinatorMoves(() => this.#begin(info, this.#groupName(topic, group), from));
  }

  close(): void {
    this.#cluster.close();
  }

  get #committedOnly(): boolean {
    return this.#options.isolation !== "uncommitted";
  }

  #source(topic: string, { group, from = "earliest" }: SubscribeOptions): GroupSource | SoloSource {
    const options = this.#options;
    const reading: ReadingRules = {
      topic,
      codec: options.codec ?? watermillCodec(),
      committedOnly: this.#committedOnly,
      topicRefreshMs: options.topicRefreshMs ?? SUBSCRIBER_DEFAULTS.topicRefreshMs,
      maxGap: options.maxGap ?? SUBSCRIBER_DEFAULTS.maxGap,
      fetchBytes: options.fetchBytes ?? SUBSCRIBER_DEFAULTS.fetchBytes,
      partitionBytes: options.partitionFetchBytes ?? SUBSCRIBER_DEFAULTS.partitionFetchBytes,
      logger: guarded(options.logger),
      orderingKey: (record, key) => (options.orderBy === "partition" ? partitionKey(record as PartitionRecord) : key),
    };
    if (group === undefined) return new SoloSource(this.#cluster, this.#topology, reading, from);
    const { sessionTimeoutMs, heartbeatMs, rebalanceTimeoutMs } = { ...SUBSCRIBER_DEFAULTS, ...defined(options) };
    return new GroupSource(this.#cluster, this.#topology, reading, {
      topic,
      group: this.#groupName(topic, group),
      from,
      sessionTimeoutMs,
      heartbeatMs,
      rebalanceTimeoutMs,
      cooperative: options.rebalance !== "eager",
      revokeDrainMs: options.revokeDrainMs ?? Math.min(SUBSCRIBER_DEFAULTS.revokeDrainMs, rebalanceTimeoutMs / 2),
    });
  }

  /** Puts on record where a group begins that has not begun. */
  async #begin(topic: TopicInfo, group: string, from: From): Promise<void> {
    const client = await GroupClient.open(this.#cluster, group, 0);
    try {
      const partitions = [...topic.leaders.keys()];
      const committed = await client.committed(topic.name, partitions);
      const fresh = partitions.filter((partition) => !committed.has(partition));
      if (fresh.length === 0) return;
      const starts = await startOffsets(this.#cluster, topic.name, fresh, from, this.#committedOnly);
      const parts = fresh.map((partition) => ({ partition, offset: starts.get(partition) ?? 0, note: "", epoch: -1 }));
      const id = await client.commit("", -1, topic, parts);
      // With members in it, the group begins where they say.
      if (id !== "NONE" && !hasMembers(id)) throw brokerError(id, `group ${JSON.stringify(group)}`);
    } finally {
      client.close();
    }
  }

  #groupName(topic: string, group: string): string {
    return this.#options.groupName?.(topic, group) ?? group;
  }
}

function partitionKey({ place }: Pick<PartitionRecord, "place">): string {
  return `partition ${place.index}`;
}

function defined<T extends object>(options: T): Partial<{ [Name in keyof T]: Exclude<T[Name], undefined> }> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<{ [Name in keyof T]: Exclude<T[Name], undefined> }>;
}
