import type { Delivery } from "millrace";
import type { Intake, Received } from "millrace/adapter";
import { describeRecord } from "./delivery.ts";
import { Dispenser } from "./dispenser.ts";
import { FetchLoop } from "./fetch-loop.ts";
import { asRetryable } from "./kafka-error.ts";
import type { PartitionReader, PartitionRecord } from "./partition-reader.ts";
import type { ReadingRules } from "./reading-rules.ts";
import { endOffsets } from "./start-offsets.ts";
import type { Cluster } from "./wire/cluster.ts";

/** What is read, from where and how: it outlives the sessions. */
export interface Readable {
  readonly cluster: Cluster;
  readonly reading: ReadingRules;
  readonly partitions: Map<number, PartitionReader>;
  /** Of the topic that the partitions are of. */
  readonly topicId: string;
}

/** The way of a session's records: a loop that fetches what there is room for, and a dispenser that delivers what is wanted. */
export class RecordFlow {
  readonly #readable: Readable;
  readonly #intake: Intake<PartitionRecord>;
  readonly #dispenser: Dispenser;
  readonly #fetching: FetchLoop;
  #closed = false;

  /** `onMoved`: what is settled of a partition has changed without a verdict. */
  constructor(readable: Readable, intake: Intake<PartitionRecord>, onMoved: () => void = () => {}) {
    this.#readable = readable;
    this.#intake = intake;
    const partitions = (): Iterable<PartitionReader> => readable.partitions.values();
    this.#dispenser = new Dispenser(intake, readable.reading, { partitions, onHungry: () => this.#fetching.run(), onMoved });
    this.#fetching = new FetchLoop(readable.cluster, readable.reading, {
      topicId: () => readable.topicId,
      partitions,
      hungry: () => this.#dispenser.wanted > 0,
      onFetched: () => this.#dispenser.run(),
      onTrouble: (error) => this.fail(error),
      onCutOff: (partition, end) => {
        this.#cutOff(partition, end);
        onMoved();
      },
      onBlocked: (detail) => intake.blocked(detail),
    });
  }

  want(count: number): void {
    this.#dispenser.want(count);
  }

  /** Partitions came, or one may have closed its gap: more may be delivered, and fetched. */
  goOn(): void {
    this.#dispenser.run();
    this.#fetching.run();
  }

  /** The session is broken; another one tries again. */
  fail(error: unknown): void {
    if (!this.#closed) this.#intake.fail(asRetryable(error));
  }

  describe({ receipt, key }: Received<PartitionRecord>): Partial<Delivery> {
    return { ...describeRecord(receipt), orderingKey: this.#readable.reading.orderingKey(receipt, key) };
  }

  /** Messages of these partitions that are not settled; `undefined` until the ends of all are known. */
  lag(): number | undefined {
    let sum = 0;
    for (const { lag } of this.#readable.partitions.values()) {
      if (lag === undefined) return undefined;
      sum += lag;
    }
    return sum;
  }

  /** When the oldest of them was published; `undefined` while there may be an older one that was not fetched. */
  oldestAt(): Date | undefined {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { lag, oldestAt } of this.#readable.partitions.values()) {
      if (lag === 0) continue;
      if (oldestAt === undefined) return undefined;
      oldest = Math.min(oldest, oldestAt);
    }
    return Number.isFinite(oldest) ? new Date(oldest) : undefined;
  }

  /** True when everything that is in the partitions now has been delivered. */
  async caughtUp(): Promise<boolean> {
    const { cluster, reading, partitions } = this.#readable;
    const all = [...partitions.values()];
    if (all.some(({ hasMore }) => hasMore)) return false;
    try {
      const ends = await endOffsets(cluster, reading.topic, [...partitions.keys()], reading.committedOnly);
      return all.every(({ hasMore, position, index }) => !hasMore && position >= (ends.get(index) ?? 0));
    } catch {
      return false; // who cannot ask does not know
    }
  }

  /** Of what was read behind the cut nothing counts any more. */
  #cutOff(partition: PartitionReader, end: number): void {
    const { reading, partitions } = this.#readable;
    const next = partition.cutOff(end);
    reading.logger.warn(
      { topic: reading.topic, adapter: "kafka", partition: partition.index, offset: partition.position, next: next.position },
      "the partition's log has lost its tail, reading goes on where it was cut off",
    );
    partition.dead = true;
    if (!partition.leaving) partitions.set(partition.index, next);
    this.#intake.lose(({ receipt }) => receipt.place.dead);
  }

  close(): void {
    this.#closed = true;
    this.#dispenser.close();
    this.#fetching.close();
  }
}
