import {
  type BrokerAdmin,
  type Capabilities,
  type From,
  MillraceError,
  OptionError,
  type SubscribeOptions,
  type Subscriber,
  type Subscription,
  silentLogger,
} from "millrace";
import { checkSubscribe, guarded, OpenSubscriptions, OptionCheck, type Received } from "millrace/adapter";
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
import { checkSubscriberOptions, type KafkaSubscriberOptions, SUBSCRIBER_DEFAULTS, SUBSCRIBER_NAMES } from "./subscriber-options.ts";
import { Topology } from "./topology.ts";
import { Cluster, type TopicInfo } from "./wire/cluster.ts";

/** Commits are dear for a broker: verdicts gather for this long, or until so many are there. */
const SETTLE_DELAY_MS = 100;
const SETTLE_BATCH = 256;
/** With the time that connecting may take, tries are at most 5 s apart. */
const RECONNECT = { maxDelayMs: 2000 };

/**
 * Reads topics, for a group or for oneself.
 *
 * | | what the broker sees |
 * |---|---|
 * | the handler returns (`ack`) | the message is settled; the group's offset moves over the contiguous settled prefix of its partition, what is settled beyond it is noted in the commit |
 * | it throws (`nack`) | nothing; the message stays with this member, which tries again; its key waits, other keys go on |
 * | it runs out of time | as a throw, once its promise settles; heartbeats go on meanwhile |
 * | the process dies | after `sessionTimeoutMs` its partitions go to other members, which begin behind what was committed |
 * | the process freezes beyond its session | as if it had died; when it wakes, late verdicts answer false, and the group's offset never moves back |
 * | another member joins | partitions that move are drained for `revokeDrainMs`, committed, then given up; the others go on |
 * | `pause` | nothing: heartbeats go on, partitions stay |
 * | `close` | the last commits, then it leaves the group |
 *
 * - One partition is read by one member at a time, so order per key holds across members.
 * - A partition is read at most `maxGap` messages past its first unsettled one; then it waits, and the state is `blocked`.
 * - `from: { position }` takes `"partition:offset"`, several separated by commas; partitions that are not named begin at the earliest.
 * - Payloads are views of what was fetched: `payload.slice()` what is kept for long.
 * - Rejects with `BROKER_UNREACHABLE`, `AUTHENTICATION_FAILED`, `ACCESS_DENIED`, `TOPIC_MISSING`, `TOPIC_MISMATCH`, `BAD_TOPIC`,
 *   `GROUP_MISMATCH`, `KAFKA_ERROR`; after `close()` with `CLOSED`.
 *
 * ```ts
 * const subscriber = new KafkaSubscriber({ url: "kafka://localhost:9092" });
 * const subscription = await subscriber.subscribe("order.placed", { group: "billing" });
 * for await (const message of subscription) message.ack();
 * ```
 */
export class KafkaSubscriber implements Subscriber {
  readonly capabilities: Capabilities = capabilities;
  readonly #options: KafkaSubscriberOptions;
  readonly #cluster: Cluster;
  readonly #topology: Topology;
  readonly #open: OpenSubscriptions = new OpenSubscriptions();
  #admin: BrokerAdmin | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: KafkaSubscriberOptions) {
    checkSubscriberOptions(new OptionCheck("KafkaSubscriber").known(options, SUBSCRIBER_NAMES), options).done();
    this.#options = options;
    this.#cluster = new Cluster(options);
    this.#topology = new Topology(this.#cluster, { provision: options.provision ?? "create", settings: options.topics });
  }

  /** What tools may ask of the cluster: see `BrokerAdmin`. Kafka moves and deletes no group that has members. */
  get admin(): BrokerAdmin {
    this.#admin ??= kafkaAdmin({
      cluster: this.#cluster,
      committedOnly: this.#committedOnly,
      checkOpen: () => this.#checkOpen(),
      groupName: (topic, group) => this.#groupName(topic, group),
      renamed: this.#options.groupName !== undefined,
    });
    return this.#admin;
  }

  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    this.#check(topic, options);
    const { prefetch, prefetchBytes, parkLimit, logger, orderBy } = this.#options;
    return await this.#open.start<PartitionRecord>({
      topic,
      options,
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
    });
  }

  /** Makes the topic and, with `group`, puts on record where the group begins; a group that has begun is left as it is. */
  async provision(topic: string, options: Pick<SubscribeOptions, "group" | "from"> = {}): Promise<void> {
    this.#check(topic, options);
    const { group, from = "earliest" } = options;
    const info = await this.#topology.ensure(topic);
    if (group === undefined) return;
    await whileCoordinatorMoves(() => this.#begin(info, this.#groupName(topic, group), from));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.close(), this.#open.giveBack()]);
  }

  get #committedOnly(): boolean {
    return this.#options.isolation !== "uncommitted";
  }

  #check(topic: string, options: SubscribeOptions): void {
    checkSubscribe("KafkaSubscriber", topic, options);
    if (!isKnown(options.from))
      throw new OptionError("KafkaSubscriber.subscribe", ['from: { position } must be "partition:offset", or several separated by commas']);
    this.#checkOpen();
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new MillraceError("the subscriber is closed", { code: "CLOSED" });
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
      logger: guarded(options.logger ?? silentLogger),
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

  async #close(): Promise<void> {
    try {
      await this.#open.close();
    } finally {
      this.#cluster.close();
    }
  }
}

function partitionKey({ place }: Pick<PartitionRecord, "place">): string {
  return `partition ${place.index}`;
}

function isKnown(from: From | undefined): boolean {
  return typeof from !== "object" || !("position" in from) || parsePosition(from.position) !== undefined;
}

function defined<T extends object>(options: T): Partial<{ [Name in keyof T]: Exclude<T[Name], undefined> }> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<{ [Name in keyof T]: Exclude<T[Name], undefined> }>;
}
