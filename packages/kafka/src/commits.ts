import { MillraceError, SettleError } from "millrace";
import { type Settlement, whileBusy } from "millrace/adapter";
import { positionOf } from "./delivery.ts";
import type { CommitPart } from "./group-client.ts";
import type { PartitionReader, PartitionRecord } from "./partition-reader.ts";
import { writeRanges } from "./settled-ranges.ts";

export interface CommitRules {
  partitions(): Iterable<PartitionReader>;
  /** Commits for the generation of the moment. `"later"`: the group gathers, and then other partitions may be ours. */
  send(parts: readonly CommitPart[]): Promise<"done" | "later">;
}

const GATHERS = "GROUP_GATHERS";
/** A group gathers for as long as its slowest member takes: the session that asked tries again later. */
const GATHERING = { minDelayMs: 50, maxDelayMs: 50, patienceMs: 2000 };

/**
 * Makes verdicts durable: the settled prefix of each partition is its offset, what is settled beyond it is in the commit's note.
 * One commit at a time, and never one that is older than what the group has.
 */
export class Commits {
  readonly #rules: CommitRules;
  readonly #coveredTo: WeakMap<PartitionReader, number> = new WeakMap();
  #running: Promise<void> = Promise.resolve();

  constructor(rules: CommitRules) {
    this.#rules = rules;
  }

  async settle(verdicts: readonly Settlement<PartitionRecord>[], final: boolean): Promise<void> {
    const records: PartitionRecord[] = [];
    for (const { kind, message } of verdicts) {
      if (kind !== "ack" || message.receipt.place.dead) continue;
      message.receipt.place.settle(message.receipt);
      records.push(message.receipt);
    }
    await this.commit();
    if (!final) return;
    const positions = records.filter((record) => record.offset >= (this.#coveredTo.get(record.place) ?? Number.POSITIVE_INFINITY)).map(positionOf);
    if (positions.length > 0) {
      throw new SettleError(`${positions.length} acks lie so far beyond an unsettled message that they cannot be recorded: they may be delivered again`, {
        positions,
      });
    }
  }

  /** Commits whatever the group does not have yet; what a transaction holds when that is decided. */
  async commit(): Promise<void> {
    for (let held = await this.commitFree(); held.length > 0; held = await this.commitFree()) await Promise.all(held);
  }

  /** Commits what no transaction holds, and resolves with what the rest waits for. */
  commitFree(): Promise<readonly Promise<void>[]> {
    const next = this.#running.then(() => this.#commit());
    this.#running = next.then(
      () => {},
      () => {},
    );
    return next;
  }

  /** Resolves when no commit is under way. */
  idle(): Promise<void> {
    return this.#running;
  }

  async #commit(): Promise<readonly Promise<void>[]> {
    return await whileBusy(() => this.#commitOnce(), { ...GATHERING, isBusy: (error) => MillraceError.is(error) && error.code === GATHERS });
  }

  /**
   * Resolves with what has to wait; rejects when the group takes no commits at the moment. What is committed is looked up anew each time: it
   * may not be ours any more.
   */
  async #commitOnce(): Promise<readonly Promise<void>[]> {
    const held: Promise<void>[] = [];
    const parts: CommitPart[] = [];
    const sent: { readonly partition: PartitionReader; readonly part: CommitPart; readonly covered: number }[] = [];
    for (const partition of this.#rules.partitions()) {
      const offset = partition.settledTo;
      if (partition.dead || offset < partition.committed) continue;
      const { text, covered } = writeRanges(offset, partition.settledBeyond());
      if (offset === partition.committed && text === partition.committedNote) continue;
      if (partition.deciding !== undefined) {
        held.push(partition.deciding);
        continue;
      }
      const part = { partition: partition.index, offset, note: text, epoch: partition.epochBefore(offset) };
      parts.push(part);
      sent.push({ partition, part, covered });
    }
    if (parts.length === 0) return held;
    if ((await this.#rules.send(parts)) === "later")
      throw new MillraceError("the group gathers, it takes no commits at the moment", { code: GATHERS, retryable: true });
    for (const { partition, part, covered } of sent) {
      partition.committed = part.offset;
      partition.committedNote = part.note;
      this.#coveredTo.set(partition, covered);
    }
    return held;
  }
}
