import { MillraceError } from "millrace";
import { monotonicMs, startTimer, stopTimer, type TimerHandle } from "millrace/adapter";
import { brokerError, errorId } from "./kafka-error.ts";
import { LeaderSearch } from "./leader-search.ts";
import type { PartitionReader } from "./partition-reader.ts";
import type { ReadingRules } from "./reading-rules.ts";
import { endOffsets, offsetsAt } from "./start-offsets.ts";
import type { BrokerLinks } from "./wire/broker-links.ts";
import type { Cluster } from "./wire/cluster.ts";
import { FETCH, type FetchedPartition } from "./wire/fetch-api.ts";

export interface FetchHooks {
  /** Of the topic that the partitions are of. */
  topicId(): string;
  partitions(): Iterable<PartitionReader>;
  /** More messages are wanted. */
  hungry(): boolean;
  onFetched(): void;
  onTrouble(error: unknown): void;
  /** The log does not hold what was read: it ends before that, and new records come there. */
  onCutOff(partition: PartitionReader, end: number): void;
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
  "UNKNOWN_TOPIC_ID", // by a leader that has not heard of a new topic, or of one that is gone
  "INCONSISTENT_TOPIC_ID",
];

/** Fetches what there is room for: one request at a time to each broker that leads partitions of ours. */
export class FetchLoop {
  readonly #cluster: Cluster;
  readonly #links: BrokerLinks;
  readonly #rules: ReadingRules;
  readonly #hooks: FetchHooks;
  readonly #busy: Set<number> = new Set();
  readonly #search: LeaderSearch;
  #lastHeard = monotonicMs();
  #timer: TimerHandle | undefined;
  #looking = false;
  /** Answers with records so far. */
  #answers = 0;
  #closed = false;

  constructor(cluster: Cluster, rules: ReadingRules, hooks: FetchHooks) {
    this.#cluster = cluster;
    this.#links = cluster.links();
    this.#rules = rules;
    this.#hooks = hooks;
    this.#search = new LeaderSearch({ look: () => this.#lookUp(), onLooked: () => this.run(), onBlocked: (detail) => hooks.onBlocked(detail) });
    this.#timer = startTimer(() => this.#look(), LOOK_MS);
  }

  close(): void {
    this.#closed = true;
    stopTimer(this.#timer);
    this.#search.close();
    this.#links.close();
  }

  /** Something changed: fetch what may be fetched now. */
  run(): void {
    if (this.#closed || !this.#hooks.hungry()) return;
    const info = this.#cluster.topic(this.#rules.topic);
    if (info !== undefined && info.id !== this.#hooks.topicId()) {
      this.#onAnew();
      return;
    }
    const byLeader = new Map<number, PartitionReader[]>();
    let full = false;
    const leaderless: PartitionReader[] = [];
    for (const partition of this.#hooks.partitions()) {
      if (partition.leaving || partition.dead || partition.fetching || this.#search.awaits(partition)) continue;
      if (partition.gap >= this.#rules.maxGap) continue;
      if (partition.buffered * 2 > this.#rules.partitionBytes) {
        full = true;
        continue;
      }
      const leader = info?.leaders[partition.index] ?? -1;
      if (leader < 0 || !this.#cluster.brokers.has(leader)) leaderless.push(partition);
      else if (!this.#busy.has(leader)) byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    if (leaderless.length > 0) this.#search.missing(leaderless);
    for (const [leader, partitions] of byLeader) {
      // The broker fills its answer in the order asked for.
      partitions.sort((one, other) => one.served - other.served);
      void this.#fetch(leader, partitions, full ? SHORT_WAIT_MS : WAIT_MS);
    }
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
      const answer = await this.#links.call(broker, FETCH, {
        maxWaitMs,
        minBytes: 1,
        maxBytes: fetchBytes,
        committedOnly,
        topic,
        topicId: this.#hooks.topicId(),
        partitions: partitions.map((each) => ({
          partition: each.index,
          offset: each.position,
          lastEpoch: each.epochBefore(each.position),
          maxBytes: partitionBytes,
        })),
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
      this.#onFailure(partitions, failure);
      return;
    }
    this.#lastHeard = monotonicMs();
    for (const each of answered) {
      const { partition, offset } = asked.get(each.partition) ?? {};
      if (partition === undefined || partition.dead || partition.position !== offset) continue;
      if (each.errorCode === 0) this.#search.answered(partition);
      if (each.cutOffAt !== undefined && each.cutOffAt >= 0) this.#hooks.onCutOff(partition, each.cutOffAt);
      else if (each.errorCode === 0) this.#add(partition, each);
      else await this.#onError(partition, each);
    }
    this.#hooks.onFetched();
    this.run();
  }

  #add(partition: PartitionReader, { records, aborted, highWatermark, lastStableOffset }: FetchedPartition): void {
    partition.end = this.#rules.committedOnly ? lastStableOffset : highWatermark;
    if (records === undefined) return;
    partition.addFetched(records, aborted);
    partition.served = ++this.#answers;
  }

  async #onError(partition: PartitionReader, { errorCode, logStartOffset }: FetchedPartition): Promise<void> {
    const id = errorId(errorCode);
    if (MOVED.includes(id)) this.#search.missing([partition]);
    else if (id === "OFFSET_OUT_OF_RANGE") await this.#reset(partition, logStartOffset);
    else this.#hooks.onTrouble(brokerError(id, `topic ${JSON.stringify(this.#rules.topic)}, partition ${partition.index}`));
  }

  /** What was to be read is not in the log: deleted by retention, or the log was cut off or made anew. */
  async #reset(partition: PartitionReader, logStartOffset: number): Promise<void> {
    const { topic, logger, committedOnly } = this.#rules;
    try {
      const now = (await this.#cluster.refresh([topic])).get(topic);
      if (now?.id !== this.#hooks.topicId()) {
        this.#onAnew();
        return;
      }
      const begin =
        logStartOffset >= 0
          ? logStartOffset
          : await offsetsAt(this.#cluster, topic, [partition.index], -2n, committedOnly).then((at) => at.get(partition.index) ?? 0);
      if (partition.position >= begin) {
        // The log ends before, and nobody knows what of it is still as it was.
        this.#hooks.onCutOff(partition, begin);
        return;
      }
      logger.warn(
        { topic, adapter: "kafka", partition: partition.index, offset: partition.position, next: begin },
        "the offset is not in the log any more, reading goes on at the first one that is",
      );
      partition.restart(begin);
    } catch (error) {
      this.#hooks.onTrouble(error);
    }
  }

  /** A log of the same name, but another one: the session begins it anew. */
  #onAnew(): void {
    const topic = JSON.stringify(this.#rules.topic);
    this.#hooks.onTrouble(new MillraceError(`topic ${topic} was deleted and made anew`, { code: "TOPIC_MISSING", retryable: true }));
  }

  /** One broker does not answer. If the cluster does, its partitions will be led by another; if not, the session is broken. */
  #onFailure(partitions: readonly PartitionReader[], error: unknown): void {
    if (MillraceError.is(error) && error.code === "BROKER_UNREACHABLE" && this.#cluster.brokers.size > 1) this.#search.missing(partitions);
    else this.#hooks.onTrouble(error);
  }

  /** Looks up who leads now. */
  async #lookUp(): Promise<void> {
    const { topic } = this.#rules;
    try {
      const found = await this.#cluster.refresh([topic]);
      if (!this.#closed && !found.has(topic)) throw brokerError("UNKNOWN_TOPIC_OR_PARTITION", `topic ${JSON.stringify(topic)}`);
    } catch (error) {
      if (!this.#closed) this.#hooks.onTrouble(error);
    }
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
