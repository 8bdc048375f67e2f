import { type Delivery, MillraceError } from "millrace";
import {
  type Intake,
  LATE,
  laterTurn,
  monotonicMs,
  type Received,
  type Session,
  type Settlement,
  sleep,
  startTimer,
  stopTimer,
  type TimerHandle,
  within,
} from "millrace/adapter";
import { Commits } from "./commits.ts";
import { describeRecord } from "./delivery.ts";
import { Dispenser } from "./dispenser.ts";
import { FetchLoop } from "./fetch-loop.ts";
import { type CommitPart, GroupClient } from "./group-client.ts";
import type { GroupSource } from "./group-source.ts";
import { asRetryable, brokerError } from "./kafka-error.ts";
import { PartitionReader, type PartitionRecord } from "./partition-reader.ts";
import { readRanges } from "./settled-ranges.ts";
import { endOffsets, startOffsets } from "./start-offsets.ts";

const LOST: readonly string[] = ["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "FENCED_INSTANCE_ID"];
const DRAIN_LOOK_MS = 10;
const LEAVE_MS = 1000;
/** New partitions of the topic are found after this time at the latest. */
const TOPIC_LOOK_MS = 30_000;

/** A member at work: heartbeats, joining again when the group does, reading what is assigned, committing what is settled. */
export class GroupSession implements Session<PartitionRecord> {
  readonly #source: GroupSource;
  readonly #intake: Intake<PartitionRecord>;
  readonly #stopped: AbortSignal;
  readonly #ended: AbortController = new AbortController();
  readonly #dispenser: Dispenser;
  readonly #fetching: FetchLoop;
  readonly commits: Commits;
  #client: GroupClient | undefined;
  #beatTimer: TimerHandle | undefined;
  #lookTimer: TimerHandle | undefined;
  /** A join is under way. */
  #joining = false;
  #joinAgain = false;
  #expiring = false;

  constructor(source: GroupSource, intake: Intake<PartitionRecord>, stopped: AbortSignal) {
    this.#source = source;
    this.#intake = intake;
    this.#stopped = stopped;
    const partitions = (): Iterable<PartitionReader> => source.partitions.values();
    this.#dispenser = new Dispenser(intake, source.reading, partitions, () => this.#fetching.run());
    this.#fetching = new FetchLoop(source.cluster, source.reading, {
      partitions,
      hungry: () => this.#dispenser.wanted > 0,
      onFetched: () => this.#dispenser.run(),
      onTrouble: (error) => this.#fail(error),
      onBlocked: (detail) => intake.blocked(detail),
    });
    this.commits = new Commits({ partitions, send: (parts) => this.#commit(parts) });
  }

  get client(): GroupClient | undefined {
    return this.#client;
  }

  async open(): Promise<void> {
    const { topology, cluster, rules, member } = this.#source;
    const onStop = (): void => this.#client?.close(); // ends a join that waits
    this.#stopped.addEventListener("abort", onStop, { once: true });
    try {
      await topology.ensure(rules.topic);
      this.#client = await GroupClient.open(cluster, rules.group, rules.rebalanceTimeoutMs);
      this.#stopped.throwIfAborted();
      let join = !member.joined;
      if (member.joined) {
        const state = await member.beat(this.#client);
        if (state === "lost") this.#onLost();
        join = state !== "ok";
      }
      if (join) await this.#joinFirst();
    } finally {
      this.#stopped.removeEventListener("abort", onStop);
    }
    this.#beatLater();
    if (this.#joinAgain) this.#rejoin();
    this.#lookTimer = startTimer(() => this.#lookAtTopic(), TOPIC_LOOK_MS, true);
  }

  want(count: number): void {
    this.#dispenser.want(count);
  }

  settle(verdicts: readonly Settlement<PartitionRecord>[], final: boolean): Promise<void> {
    const settled = this.commits.settle(verdicts, final);
    this.#fetching.run(); // a partition may have closed its gap
    this.#dispenser.run();
    return settled;
  }

  giveBack(messages: readonly Received<PartitionRecord>[]): void {
    for (const [partition, some] of Map.groupBy(messages, ({ receipt }) => receipt.place)) if (!partition.dead) partition.giveBack(some);
  }

  holds({ receipt }: Received<PartitionRecord>): boolean {
    if (receipt.place.dead) return false;
    if (this.#source.member.alive) return true;
    this.#expire();
    return false;
  }

  describe({ receipt, key }: Received<PartitionRecord>): Partial<Delivery> {
    return { ...describeRecord(receipt), orderingKey: this.#source.reading.orderingKey(receipt, key) };
  }

  async caughtUp(): Promise<boolean> {
    const { cluster, rules, reading, partitions } = this.#source;
    const ours = [...partitions.values()];
    if (ours.some((partition) => partition.hasMore)) return false;
    try {
      const ends = await endOffsets(cluster, rules.topic, [...partitions.keys()], reading.committedOnly);
      return ours.every((partition) => !partition.hasMore && partition.position >= (ends.get(partition.index) ?? 0));
    } catch {
      return false;
    }
  }

  lag(): number {
    let lag = 0;
    for (const partition of this.#source.partitions.values()) lag += partition.lag;
    return lag;
  }

  async close(): Promise<void> {
    if (this.#source.session === this) this.#source.session = undefined;
    this.#ended.abort();
    this.#dispenser.close();
    this.#fetching.close();
    stopTimer(this.#beatTimer);
    stopTimer(this.#lookTimer);
    const { member } = this.#source;
    if (this.#stopped.aborted && member.memberId !== "" && this.#client !== undefined) {
      await within(
        this.#client.leave(member.memberId).catch(() => {}),
        LEAVE_MS,
      );
      member.lose();
    }
    this.#client?.close();
  }

  #fail(error: unknown): void {
    if (!this.#ended.signal.aborted) this.#intake.fail(asRetryable(error));
  }

  // ── heartbeats ──

  #beatLater(): void {
    stopTimer(this.#beatTimer);
    if (!this.#ended.signal.aborted) this.#beatTimer = startTimer(() => void this.#beat(), this.#source.rules.heartbeatMs);
  }

  async #beat(): Promise<void> {
    const { member } = this.#source;
    try {
      if (this.#client !== undefined && member.joined) {
        const state = await member.beat(this.#client);
        if (this.#ended.signal.aborted) return;
        // While a join is under way its answer decides.
        if (!this.#joining && state === "lost") this.#onLost();
        if (state !== "ok") this.#rejoin();
      }
      this.#beatLater();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The group has given our partitions to others, or may have. */
  #onLost(): void {
    const { member, partitions } = this.#source;
    member.lose();
    for (const partition of partitions.values()) partition.dead = true;
    partitions.clear();
    this.#intake.lose(isDead);
  }

  /** Nobody has heard of us for longer than a session: found out when a verdict was given. */
  #expire(): void {
    if (this.#expiring) return;
    this.#expiring = true;
    for (const partition of this.#source.partitions.values()) partition.dead = true;
    laterTurn(() => {
      this.#expiring = false;
      this.#onLost();
      this.#rejoin();
    });
  }

  // ── joining ──

  #rejoin(): void {
    this.#joinAgain = true;
    if (this.#joining || this.#ended.signal.aborted) return;
    this.#joinGroup().catch((error: unknown) => this.#fail(error));
  }

  /** The first round is waited for; what the group moves after that goes on beside the reading. */
  async #joinFirst(): Promise<void> {
    this.#joining = true;
    try {
      const leaving = await this.#joinOnce();
      if (leaving.length > 0) void this.#letGo(leaving).then(() => this.#rejoin());
    } finally {
      this.#joining = false;
    }
  }

  /** Joins again and again until the group stays as it is. */
  async #joinGroup(): Promise<void> {
    this.#joining = true;
    try {
      do {
        this.#joinAgain = false;
        await this.#letGo(await this.#joinOnce());
      } while (this.#joinAgain && !this.#ended.signal.aborted);
    } finally {
      this.#joining = false;
    }
  }

  /** One round. Returns the partitions that are not ours any more, and are to be let go of. */
  async #joinOnce(): Promise<readonly PartitionReader[]> {
    const { member, partitions, cluster, rules } = this.#source;
    if (!rules.cooperative) await this.#letGo([...partitions.values()]);
    const client = this.#client as GroupClient;
    const ours = await member.join(
      client,
      cluster,
      () => [...partitions.keys()],
      () => this.#onLost(),
    );
    if (this.#ended.signal.aborted) return [];
    const leaving = [...partitions.values()].filter(({ index }) => !ours.includes(index));
    await this.#take(ours.filter((index) => !partitions.has(index)));
    this.#dispenser.run();
    this.#fetching.run();
    if (leaving.length > 0 && rules.cooperative) this.#joinAgain = true; // so that they may be given to others
    return leaving;
  }

  /** Partitions that are ours now: from where the group is, or else where it is to begin, which is put on record at once. */
  async #take(indexes: readonly number[]): Promise<void> {
    if (indexes.length === 0) return;
    const { cluster, rules, reading, partitions, member } = this.#source;
    const client = this.#client as GroupClient;
    const committed = await client.committed(rules.topic, indexes);
    const fresh = indexes.filter((index) => !committed.has(index));
    const starts = fresh.length === 0 ? new Map<number, number>() : await startOffsets(cluster, rules.topic, fresh, rules.from, reading.committedOnly);
    for (const index of indexes) {
      const known = committed.get(index);
      const position = known?.offset ?? starts.get(index) ?? 0;
      const partition = new PartitionReader(rules.topic, index, position, readRanges(position, known?.note), this.#source);
      partition.end = position;
      if (known !== undefined) {
        partition.committed = known.offset;
        partition.committedNote = known.note ?? "";
      }
      partitions.set(index, partition);
    }
    if (fresh.length === 0) return;
    const { generation } = member;
    await this.commits.commit().catch((error: unknown) => {
      // The group gathers again: whoever gets them then begins at the same place, unless that is "now".
      if (member.generation !== generation || this.#joinAgain) return;
      throw error;
    });
  }

  /** Hands out nothing more of these partitions, waits for their handlers as long as it may, commits, and forgets them. */
  async #letGo(leaving: readonly PartitionReader[]): Promise<void> {
    if (leaving.length === 0) return;
    const { rules, partitions, reading } = this.#source;
    const deadline = monotonicMs() + rules.revokeDrainMs;
    for (const partition of leaving) partition.leaving = true;
    const ended = this.#ended.signal;
    for (;;) {
      for (const { receipt } of this.#intake.recall(({ receipt: { place } }) => place.leaving)) receipt.place.forgo(1);
      if (leaving.every(({ out, dead }) => out === 0 || dead) || monotonicMs() >= deadline || ended.aborted) break;
      await sleep(DRAIN_LOOK_MS, ended).catch(() => {});
    }
    if (ended.aborted) {
      // Another session goes on with them.
      for (const partition of leaving) partition.leaving = false;
      return;
    }
    const late = leaving.filter(({ out, dead }) => out > 0 && !dead);
    if (late.length > 0) {
      const fields = { topic: rules.topic, adapter: "kafka", partitions: late.map(({ index }) => index), drainMs: rules.revokeDrainMs };
      reading.logger.warn(fields, "handlers of partitions that move have not ended in time, their messages go to another member");
    }
    await within(
      this.commits.commit().catch(() => {}),
      Math.max(deadline - monotonicMs(), LEAVE_MS),
    );
    for (const partition of leaving) {
      partition.dead = true;
      if (partitions.get(partition.index) === partition) partitions.delete(partition.index);
    }
    this.#intake.lose(isDead);
  }

  // ── commits ──

  async #commit(parts: readonly CommitPart[]): Promise<void> {
    const { member, rules } = this.#source;
    const { memberId, generation } = member;
    if (this.#client === undefined || generation < 0) throw notMember(rules.group);
    let id: string;
    try {
      id = await this.#client.commit(memberId, generation, rules.topic, parts);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    if (id === "NONE") return;
    if (LOST.includes(id)) {
      // During a join the generation ends under our hands; its answer decides.
      if (!this.#joining && generation === member.generation) this.#onLost();
      this.#rejoin();
    }
    throw brokerError(id, `committing for group ${JSON.stringify(rules.group)}`);
  }

  #lookAtTopic(): void {
    if (this.#ended.signal.aborted) return;
    this.#lookTimer = startTimer(() => this.#lookAtTopic(), TOPIC_LOOK_MS, true);
    const { cluster, rules } = this.#source;
    const before = cluster.topic(rules.topic)?.leaders.length;
    cluster.refresh([rules.topic]).then(
      (found) => {
        const now = found.get(rules.topic)?.leaders.length;
        if (before !== undefined && now !== undefined && now !== before) this.#rejoin();
      },
      (error: unknown) => this.#fail(error),
    );
  }
}

function isDead({ receipt }: Received<PartitionRecord>): boolean {
  return receipt.place.dead;
}

function notMember(group: string): MillraceError {
  return new MillraceError(`this member is not in group ${JSON.stringify(group)} at the moment`, { code: "BROKER_UNREACHABLE", retryable: true });
}
