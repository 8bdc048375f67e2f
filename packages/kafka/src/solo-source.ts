import type { Delivery, From } from "millrace";
import { type Intake, type Received, type Session, type Settlement, type Source, startTimer, stopTimer, type TimerHandle } from "millrace/adapter";
import { describeRecord } from "./delivery.ts";
import { Dispenser } from "./dispenser.ts";
import { FetchLoop } from "./fetch-loop.ts";
import { asRetryable } from "./kafka-error.ts";
import { PartitionReader, type PartitionRecord } from "./partition-reader.ts";
import type { ReadingRules } from "./reading-rules.ts";
import { isCaughtUp, lagOf } from "./reading-state.ts";
import { startOffsets } from "./start-offsets.ts";
import type { Topology } from "./topology.ts";
import type { Cluster } from "./wire/cluster.ts";

/** A reading without a group: all partitions, positions only here, also from one connection to the next; nothing is ever written. */
export class SoloSource implements Source<PartitionRecord> {
  readonly cluster: Cluster;
  readonly reading: ReadingRules;
  readonly partitions: Map<number, PartitionReader> = new Map();
  readonly #topology: Topology;
  readonly #from: From;
  #opened = false;
  #topicId: string | undefined;

  constructor(cluster: Cluster, topology: Topology, reading: ReadingRules, from: From) {
    this.cluster = cluster;
    this.#topology = topology;
    this.reading = reading;
    this.#from = from;
  }

  async open(intake: Intake<PartitionRecord>): Promise<Session<PartitionRecord>> {
    try {
      const { leaders, id } = await this.#topology.ensure(this.reading.topic);
      if (this.#topicId !== undefined && this.#topicId !== id) {
        // Another topic of the same name.
        this.partitions.clear();
        intake.lose();
      }
      this.#topicId = id;
      await this.#add(leaders.length, this.#opened ? "earliest" : this.#from);
      this.#opened = true;
      return new SoloSession(this, intake);
    } catch (error) {
      throw this.#opened ? asRetryable(error) : error;
    }
  }

  /** Partitions that were added to the topic later are read from their beginning. */
  async look(): Promise<void> {
    const found = await this.cluster.refresh([this.reading.topic]);
    await this.#add(found.get(this.reading.topic)?.leaders.length ?? 0, "earliest");
  }

  async #add(count: number, from: From): Promise<void> {
    const { topic, committedOnly } = this.reading;
    const fresh = Array.from({ length: count }, (_, index) => index).filter((index) => !this.partitions.has(index));
    if (fresh.length === 0) return;
    for (const [index, offset] of await startOffsets(this.cluster, topic, fresh, from, committedOnly)) {
      this.partitions.set(index, new PartitionReader(topic, index, offset));
    }
  }
}

class SoloSession implements Session<PartitionRecord> {
  readonly #source: SoloSource;
  readonly #intake: Intake<PartitionRecord>;
  readonly #dispenser: Dispenser;
  readonly #fetching: FetchLoop;
  #timer: TimerHandle;
  #closed = false;

  constructor(source: SoloSource, intake: Intake<PartitionRecord>) {
    this.#source = source;
    this.#intake = intake;
    const partitions = (): Iterable<PartitionReader> => source.partitions.values();
    this.#dispenser = new Dispenser(intake, source.reading, partitions, () => this.#fetching.run());
    this.#fetching = new FetchLoop(source.cluster, source.reading, {
      partitions,
      hungry: () => this.#dispenser.wanted > 0,
      onFetched: () => this.#dispenser.run(),
      onTrouble: (error) => this.#fail(error),
      onBlocked: (detail) => intake.blocked(detail),
    });
    this.#timer = startTimer(() => this.#look(), this.#source.reading.topicRefreshMs, true);
  }

  want(count: number): void {
    this.#dispenser.want(count);
  }

  settle(verdicts: readonly Settlement<PartitionRecord>[]): void {
    for (const { message } of verdicts) message.receipt.place.settle(message.receipt);
    this.#fetching.run();
    this.#dispenser.run();
  }

  giveBack(messages: readonly Received<PartitionRecord>[]): void {
    for (const [partition, some] of Map.groupBy(messages, ({ receipt }) => receipt.place)) partition.giveBack(some);
  }

  describe({ receipt, key }: Received<PartitionRecord>): Partial<Delivery> {
    return { ...describeRecord(receipt), orderingKey: this.#source.reading.orderingKey(receipt, key) };
  }

  caughtUp(): Promise<boolean> {
    const { cluster, reading, partitions } = this.#source;
    return isCaughtUp(cluster, reading, partitions);
  }

  lag(): number {
    return lagOf(this.#source.partitions.values());
  }

  close(): void {
    this.#closed = true;
    stopTimer(this.#timer);
    this.#dispenser.close();
    this.#fetching.close();
  }

  #fail(error: unknown): void {
    if (!this.#closed) this.#intake.fail(asRetryable(error));
  }

  #look(): void {
    if (this.#closed) return;
    this.#timer = startTimer(() => this.#look(), this.#source.reading.topicRefreshMs, true);
    this.#source.look().then(
      () => this.#fetching.run(),
      (error: unknown) => this.#fail(error),
    );
  }
}
