import { type Intake, LATE, monotonicMs, type Received, sleep, within } from "millrace/adapter";
import type { Commits } from "./commits.ts";
import type { GroupClient } from "./group-client.ts";
import type { GroupSource } from "./group-source.ts";
import { PartitionReader, type PartitionRecord } from "./partition-reader.ts";
import { readRanges } from "./settled-ranges.ts";
import { startOffsets } from "./start-offsets.ts";

const LOOK_MS = 10;
const COMMIT_MS = 1000;

/** Takes partitions over from the group, and gives them up to it. */
export class Handover {
  readonly #source: GroupSource;
  readonly #intake: Intake<PartitionRecord>;
  readonly #commits: Commits;
  readonly #ended: AbortSignal;

  constructor(source: GroupSource, intake: Intake<PartitionRecord>, commits: Commits, ended: AbortSignal) {
    this.#source = source;
    this.#intake = intake;
    this.#commits = commits;
    this.#ended = ended;
  }

  /** Partitions that are ours now: from where the group is, or else where it is to begin, which is put on record at once. */
  async take(client: GroupClient, indexes: readonly number[]): Promise<void> {
    if (indexes.length === 0) return;
    const { cluster, rules, reading, partitions, member } = this.#source;
    const { generation } = member;
    const committed = await client.committed(rules.topic, indexes);
    const fresh = indexes.filter((index) => !committed.has(index));
    const starts = fresh.length === 0 ? new Map<number, number>() : await startOffsets(cluster, rules.topic, fresh, this.#source.from, reading.committedOnly);
    // Forgotten meanwhile: what was assigned to us is another's now.
    if (member.generation !== generation) return;
    for (const index of indexes) {
      const known = committed.get(index);
      const position = known?.offset ?? starts.get(index) ?? 0;
      const partition = new PartitionReader(rules.topic, index, position, readRanges(position, known?.note), this.#source, known?.epoch);
      if (known !== undefined) {
        partition.committed = known.offset;
        partition.committedNote = known.note ?? "";
      }
      partitions.set(index, partition);
    }
    if (fresh.length === 0) return;
    await this.#commits.commitFree().catch((error: unknown) => {
      // The group gathers again: whoever gets them then finds the same beginning, unless that is "now".
      if (member.generation === generation) throw error;
    });
  }

  /**
   * Hands out nothing more of these partitions, waits for their handlers as long as it may, commits, and forgets them. True when
   * some were forgotten: others came back meanwhile, or the session ended, and then they are ours as they were.
   */
  async letGo(some: readonly PartitionReader[]): Promise<boolean> {
    if (some.length === 0) return false;
    const { rules, reading } = this.#source;
    const deadline = monotonicMs() + rules.revokeDrainMs;
    const token = {};
    for (const partition of some) partition.givenUpBy = token;
    const leaving = (): PartitionReader[] => some.filter(({ givenUpBy, dead }) => givenUpBy === token && !dead);
    for (;;) {
      // Should they come back, they go on with these.
      const recalled = this.#intake.recall(({ receipt: { place } }) => place.givenUpBy === token);
      for (const message of recalled) message.receipt.place.giveBack([message]);
      if (leaving().every(({ out }) => out === 0) || monotonicMs() >= deadline || this.#ended.aborted) break;
      await sleep(LOOK_MS, this.#ended).catch(() => {});
    }
    const late = leaving().filter(({ out }) => out > 0);
    if (late.length > 0 && !this.#ended.aborted) {
      const fields = { topic: rules.topic, adapter: "kafka", partitions: late.map(({ index }) => index), drainMs: rules.revokeDrainMs };
      reading.logger.warn(fields, "handlers of partitions that move have not ended in time, their messages go to another member");
    }
    await this.#commitUntil(Math.max(deadline, monotonicMs() + COMMIT_MS));
    const gone = leaving();
    if (this.#ended.aborted) {
      for (const partition of gone) partition.givenUpBy = undefined;
      this.#source.member.stale = true; // what they are to the group is settled by joining
      return false;
    }
    this.forget(gone);
    return gone.length > 0;
  }

  /** A group that gathers takes no commits for a while: what is acked is not to come again for that. */
  async #commitUntil(deadline: number): Promise<void> {
    while (!this.#ended.aborted) {
      const committed = this.#commits.commit().then(
        () => true,
        () => false,
      );
      const done = await within(committed, deadline - monotonicMs(), this.#ended);
      if (done === true || done === LATE || monotonicMs() >= deadline) return;
      await sleep(LOOK_MS, this.#ended).catch(() => {});
    }
  }

  /** They belong to another now: nothing of them counts any more. */
  forget(gone: readonly PartitionReader[]): void {
    const { partitions } = this.#source;
    for (const partition of gone) {
      partition.dead = true;
      if (partitions.get(partition.index) === partition) partitions.delete(partition.index);
    }
    this.#intake.lose(isDead);
  }
}

function isDead({ receipt }: Received<PartitionRecord>): boolean {
  return receipt.place.dead;
}
