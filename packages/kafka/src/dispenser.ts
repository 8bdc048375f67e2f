import { type Fetched, type Intake, nextTurn, Received, sliceSpent } from "millrace/adapter";
import type { PartitionReader, PartitionRecord, Taken } from "./partition-reader.ts";
import type { ReadingRules } from "./reading-rules.ts";
import { KafkaRecord } from "./wire/record.ts";

/** Records of one partition in a row before the next one has its turn. */
const ROW = 64;

export interface DispenserHooks {
  partitions(): Iterable<PartitionReader>;
  /** More may be fetched. */
  onHungry(): void;
  /** What is settled of a partition has changed without a verdict. */
  onMoved(): void;
}

/** Delivers what was fetched, as much as is wanted, from all partitions in turn. */
export class Dispenser {
  readonly #intake: Intake<PartitionRecord>;
  readonly #rules: ReadingRules;
  readonly #hooks: DispenserHooks;
  #wanted = 0;
  /** Whose turn it is: nobody starves, however little is wanted at a time. */
  #turn = 0;
  #busy = false;
  #closed = false;
  #blockedBy: PartitionReader | undefined;

  constructor(intake: Intake<PartitionRecord>, rules: ReadingRules, hooks: DispenserHooks) {
    this.#intake = intake;
    this.#rules = rules;
    this.#hooks = hooks;
  }

  get wanted(): number {
    return this.#wanted;
  }

  want(count: number): void {
    this.#wanted = count;
    this.run();
  }

  close(): void {
    this.#closed = true;
    this.#wanted = 0;
  }

  /** There may be more to deliver, or more that may be delivered. */
  run(): void {
    if (this.#busy || this.#closed || this.#wanted <= 0) return;
    this.#busy = true;
    let goOn: boolean;
    try {
      goOn = this.#handOut();
    } catch (error) {
      this.#intake.fail(error); // another session begins where nothing was settled
      return;
    } finally {
      this.#busy = false;
    }
    if (this.#closed) return;
    if (goOn) this.#hooks.onHungry();
    else void nextTurn().then(() => this.run());
  }

  /** False when it has taken long enough. */
  #handOut(): boolean {
    let goOn = true;
    const partitions = [...this.#hooks.partitions()];
    let idle = 0; // partitions in a row that had nothing
    while (goOn && this.#wanted > 0 && idle < partitions.length) {
      const partition = partitions[this.#turn++ % partitions.length] as PartitionReader;
      idle++;
      if (partition.leaving || partition.dead) continue;
      for (let row = 0; row < ROW && goOn && this.#wanted > 0 && this.#next(partition); row++) {
        idle = 0;
        goOn = !sliceSpent();
      }
    }
    return goOn;
  }

  /** True when something was delivered, or stepped over. */
  #next(partition: PartitionReader): boolean {
    const returned = partition.takeReturned();
    if (returned !== undefined) {
      partition.out++;
      this.#deliver(returned.again(returned.attempt));
      return true;
    }
    if (partition.gap >= this.#rules.maxGap) {
      this.#block(partition);
      return false;
    }
    if (this.#blockedBy === partition) this.#block(undefined);
    const next = partition.take();
    if (next === undefined) return false;
    if (!(next instanceof KafkaRecord)) {
      this.#report(partition, next, next.bytes, next.error);
      return true;
    }
    let fetched: Fetched;
    try {
      fetched = this.#rules.codec.decode(next);
    } catch (error) {
      this.#report(partition, next, next.value ?? new Uint8Array(0), error);
      return true;
    }
    this.#deliver(new Received(fetched, next));
    return true;
  }

  #deliver(message: Received<PartitionRecord>): void {
    this.#wanted--;
    this.#intake.deliver(message);
  }

  /** Settled once it is stepped over; where the dead letter does not take it, it is tried again by the session that comes after this one. */
  #report(partition: PartitionReader, unread: Taken, payload: Uint8Array, error: unknown): void {
    this.#intake.undecodable({ position: `${partition.index}:${unread.offset}`, payload, error }).then(
      () => {
        partition.settle(unread);
        this.run();
        if (!this.#closed) this.#hooks.onMoved();
      },
      (failure: unknown) => {
        partition.untake(unread);
        this.#intake.fail(failure);
      },
    );
  }

  #block(partition: PartitionReader | undefined): void {
    if (this.#blockedBy === partition) return;
    this.#blockedBy = partition;
    const detail =
      partition === undefined
        ? undefined
        : `partition ${partition.index} is read ${partition.gap} messages past offset ${partition.settledTo}, which is not settled`;
    this.#intake.blocked(detail);
  }
}
