import { MillraceError } from "millrace";
import { equalBackoffMs, monotonicMs, startTimer, stopTimer, type TimerHandle } from "millrace/adapter";
import { brokerError, errorId } from "./kafka-error.ts";
import type { PartitionReader } from "./partition-reader.ts";
import type { ReadingRules } from "./reading-rules.ts";
import { endOffsets, offsetsAt } from "./start-offsets.ts";
import type { BrokerLinks } from "./wire/broker-links.ts";
import type { Cluster } from "./wire/cluster.ts";
import { type FetchedPartition, fetchApi } from "./wire/fetch-api.ts";

export interface FetchHooks {
  partitions(): Iterable<PartitionReader>;
  /** More messages are wanted. */
  hungry(): boolean;
  onFetched(): void;
  onTrouble(error: unknown): void;
  /** What some partitions wait for, while the others go on. */
  onBlocked(detail: string | undefined): void;
}

/** How long a fetch waits at the broker for something new. */
const WAIT_MS = 500;
/** The same while some partition of that broker has something here and so is left out: it must not wait for the others. */
const SHORT_WAIT_MS = 10;
/** With nothing to fetch, the ends of the logs are looked up this often: a dead connection shows, and the lag stays true. */
const LOOK_MS = 1500;
const MOVED: readonly string[] = [
  "NOT_LEADER_OR_FOLLOWER",
  "LEADER_NOT_AVAILABLE",
  "FENCED_LEADER_EPOCH",
  "UNKNOWN_LEADER_EPOCH",
  "KAFKA_STORAGE_ERROR",
  "OFFSET_NOT_AVAILABLE",
  "REPLICA_NOT_AVAILABLE",
];
/** How long a partition may be without a leader before somebody looks again whether the topic is still there. */
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 1000;

/** Fetches what there is room for: one request at a time to each broker that leads partitions of ours. */
export class FetchLoop {
  readonly #cluster: Cluster;
  readonly #links: BrokerLinks;
  readonly #rules: ReadingRules;
  readonly #hooks: FetchHooks;
  readonly #busy: Set<number> = new Set();
  #topicId: string | undefined;
  #lastHeard = monotonicMs();
  #timer: TimerHandle | undefined;
  #retryTimer: TimerHandle | undefined;
  #looking = false;
  #failures = 0;
  #refreshing = false;
  #closed = false;

  constructor(cluster: Cluster, rules: ReadingRules, hooks: FetchHooks) {
    this.#cluster = cluster;
    this.#links = cluster.links();
    this.#rules = rules;
    this.#hooks = hooks;
    this.#timer = startTimer(() => this.#look(), LOOK_MS);
  }

  close(): void {
    this.#closed = true;
    stopTimer(this.#timer);
    stopTimer(this.#retryTimer);
    this.#links.close();
  }

  /** Something changed: fetch what may be fetched now. */
  run(): void {
    if (this.#closed || !this.#hooks.hungry()) return;
    const { id, leaders } = this.#cluster.topic(this.#rules.topic) ?? {};
    this.#topicId ??= id;
    const byLeader = new Map<number, PartitionReader[]>();
    let full = false;
    let leaderless: PartitionReader | undefined;
    for (const partition of this.#hooks.partitions()) {
      if (partition.leaving || partition.dead || partition.fetching) continue;
      if (partition.gap >= this.#rules.maxGap) continue;
      if (partition.buffered * 2 > this.#rules.partitionBytes) {
        full = true;
        continue;
      }
      const leader = leaders?.[partition.index] ?? -1;
      if (leader < 0 || !this.#cluster.brokers.has(leader)) leaderless = partition;
      else if (!this.#busy.has(leader)) byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    if (leaderless !== undefined) this.#refresh(leaderless);
    for (const [leader, partitions] of byLeader) void this.#fetch(leader, partitions, full ? SHORT_WAIT_MS : WAIT_MS);
  }

  async #fetch(leader: number, partitions: readonly PartitionReader[], maxWaitMs: number): Promise<void> {
    this.#busy.add(leader);
    for (const partition of partitions) partition.fetching = true;
    const { topic, committedOnly, fetchBytes, partitionBytes } = this.#rules;
    const asked = new Map(partitions.map((partition) => [partition.index, { partition, offset: partition.position }]));
    let failure: unknown;
    let answered: readonly FetchedPartition[] = [];
    try {
      const broker = this.#cluster.brokers.get(leader);
      if (broker === undefined) throw new MillraceError(`broker ${leader} is gone`, { code: "BROKER_UNREACHABLE", retryable: true });
      const answer = await this.#links.call(broker, [fetchApi], {
        maxWaitMs,
        minBytes: 1,
        maxBytes: fetchBytes,
        committedOnly,
        topic,
        partitions: partitions.map(({ index, position }) => ({ partition: index, offset: position, maxBytes: partitionBytes })),
      });
      if (answer.errorCode !== 0) throw brokerError(errorId(answer.errorCode), `fetching from topic ${JSON.stringify(topic)}`);
      answered = answer.partitions;
    } catch (error) {
      failure = error;
    }
    this.#busy.delete(leader);
    for (const partition of partitions) partition.fetching = false;
    if (this.#closed) return;
    if (failure !== undefined) {
      await this.#onFailure(partitions, failure);
      return;
    }
    this.#lastHeard = monotonicMs();
    for (const each of answered) {
      const { partition, offset } = asked.get(each.partition) ?? {};
      if (partition === undefined || partition.dead || partition.position !== offset) continue;
      if (each.errorCode === 0) this.#add(partition, each);
      else await this.#onError(partition, each);
    }
    this.#hooks.onFetched();
    this.run();
  }

  #add(partition: PartitionReader, { records, aborted, highWatermark, lastStableOffset }: FetchedPartition): void {
    partition.end = this.#rules.committedOnly ? lastStableOffset : highWatermark;
    if (records !== undefined) partition.addFetched(records, aborted);
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#hooks.onBlocked(undefined);
  }

  async #onError(partition: PartitionReader, { errorCode, logStartOffset }: FetchedPartition): Promise<void> {
    const id = errorId(errorCode);
    if (MOVED.includes(id)) this.#refresh(partition);
    else if (id === "OFFSET_OUT_OF_RANGE") await this.#reset(partition, logStartOffset);
    else this.#hooks.onTrouble(brokerError(id, `topic ${JSON.stringify(this.#rules.topic)}, partition ${partition.index}`));
  }

  /** What was to be read is not in the log: deleted by retention, or the log was cut off or made anew. */
  async #reset(partition: PartitionReader, logStartOffset: number): Promise<void> {
    const { topic, logger, committedOnly } = this.#rules;
    try {
      const now = (await this.#cluster.refresh([topic])).get(topic);
      if (now?.id !== this.#topicId) {
        // A log of the same name, but another one: the session begins it anew.
        throw new MillraceError(`topic ${JSON.stringify(topic)} was deleted and made anew`, { code: "TOPIC_MISSING", retryable: true });
      }
      const begin =
        logStartOffset >= 0
          ? logStartOffset
          : await offsetsAt(this.#cluster, topic, [partition.index], -2n, committedOnly).then((at) => at.get(partition.index) ?? 0);
      const end = (await endOffsets(this.#cluster, topic, [partition.index], committedOnly)).get(partition.index) ?? begin;
      const next = partition.position < begin ? begin : end;
      logger.warn(
        { topic, adapter: "kafka", partition: partition.index, offset: partition.position, next },
        "the offset is not in the log any more, reading goes on at the next one that is",
      );
      partition.restart(next);
    } catch (error) {
      this.#hooks.onTrouble(error);
    }
  }

  /** One broker does not answer. If the cluster does, its partitions will be led by another; if not, the session is broken. */
  async #onFailure(partitions: readonly PartitionReader[], error: unknown): Promise<void> {
    if (MillraceError.is(error) && error.code === "BROKER_UNREACHABLE" && this.#cluster.brokers.size > 1) {
      const [first] = partitions;
      if (first !== undefined) this.#refresh(first);
      return;
    }
    this.#hooks.onTrouble(error);
  }

  /** Looks up who leads now, again and again while nobody does. */
  #refresh(partition: PartitionReader): void {
    if (this.#refreshing || this.#closed) return;
    this.#refreshing = true;
    this.#failures++;
    const { topic } = this.#rules;
    if (this.#failures > 3) this.#hooks.onBlocked(`partition ${partition.index} has no leader that answers`);
    this.#retryTimer = startTimer(
      () => {
        this.#cluster.refresh([topic]).then(
          (found) => {
            this.#refreshing = false;
            if (this.#closed) return;
            if (found.has(topic)) this.run();
            else this.#hooks.onTrouble(brokerError("UNKNOWN_TOPIC_OR_PARTITION", `topic ${JSON.stringify(topic)}`));
          },
          (error: unknown) => {
            this.#refreshing = false;
            if (!this.#closed) this.#hooks.onTrouble(error);
          },
        );
      },
      this.#failures === 1 ? 0 : equalBackoffMs(this.#failures, RETRY_MIN_MS, RETRY_MAX_MS),
    );
  }

  #look(): void {
    if (this.#closed) return;
    this.#timer = startTimer(() => this.#look(), LOOK_MS);
    if (this.#busy.size > 0 || this.#looking || monotonicMs() - this.#lastHeard < LOOK_MS) return;
    const partitions = [...this.#hooks.partitions()];
    this.#looking = true;
    const { topic, committedOnly } = this.#rules;
    endOffsets(
      this.#cluster,
      topic,
      partitions.map(({ index }) => index),
      committedOnly,
    ).then(
      (ends) => {
        this.#looking = false;
        this.#lastHeard = monotonicMs();
        for (const partition of partitions) partition.end = ends.get(partition.index) ?? partition.end;
      },
      (error: unknown) => {
        this.#looking = false;
        if (!this.#closed) this.#hooks.onTrouble(error);
      },
    );
  }
}
