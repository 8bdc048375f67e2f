import type { Delivery, From } from "millrace";
import { type Intake, type Received, type Session, type Settlement, type Source, startTimer, stopTimer, type TimerHandle } from "millrace/adapter";
import { asRetryable } from "./kafka-error.ts";
import { PartitionReader, type PartitionRecord } from "./partition-reader.ts";
import type { ReadingRules } from "./reading-rules.ts";
import { RecordFlow } from "./record-flow.ts";
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
  topicId: string = "";

  constructor(cluster: Cluster, topology: Topology, reading: ReadingRules, from: From) {
    this.cluster = cluster;
    this.#topology = topology;
    this.reading = reading;
    this.#from = from;
  }

  async open(intake: Intake<PartitionRecord>): Promise<Session<PartitionRecord>> {
    try {
      const { leaders, id } = await this.#topology.ensure(this.reading.topic);
      if (this.topicId !== "" && this.topicId !== id) {
        // Another topic of the same name.
        for (const partition of this.partitions.values()) partition.dead = true;
        this.partitions.clear();
        intake.lose();
      }
      this.topicId = id;
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
  readonly #flow: RecordFlow;
  #timer: TimerHandle;
  #closed = false;

  constructor(source: SoloSource, intake: Intake<PartitionRecord>) {
    this.#source = source;
    this.#flow = new RecordFlow(source, intake);
    this.#timer = startTimer(() => this.#look(), source.reading.topicRefreshMs, true);
  }

  want(count: number): void {
    this.#flow.want(count);
  }

  settle(verdicts: readonly Settlement<PartitionRecord>[]): void {
    for (const { message } of verdicts) message.receipt.place.settle(message.receipt);
    this.#flow.goOn();
  }

  giveBack(messages: readonly Received<PartitionRecord>[]): void {
    for (const [partition, some] of Map.groupBy(messages, ({ receipt }) => receipt.place)) partition.giveBack(some);
  }

  describe(message: Received<PartitionRecord>): Partial<Delivery> {
    return this.#flow.describe(message);
  }

  caughtUp(): Promise<boolean> {
    return this.#flow.caughtUp();
  }

  lag(): number | undefined {
    return this.#flow.lag();
  }

  oldestAt(): Date | undefined {
    return this.#flow.oldestAt();
  }

  close(): void {
    this.#closed = true;
    stopTimer(this.#timer);
    this.#flow.close();
  }

  #look(): void {
    if (this.#closed) return;
    this.#timer = startTimer(() => this.#look(), this.#source.reading.topicRefreshMs, true);
    this.#source.look().then(
      () => this.#flow.goOn(),
      (error: unknown) => this.#flow.fail(error),
    );
  }
}
