import { type Delivery, MillraceError } from "millrace";
import { type Intake, laterTurn, type Received, type Session, type Settlement, startTimer, stopTimer, type TimerHandle, within } from "millrace/adapter";
import { Commits } from "./commits.ts";
import { type CommitPart, GroupClient } from "./group-client.ts";
import { GroupPeer } from "./group-peers.ts";
import type { GroupSource } from "./group-source.ts";
import { Handover } from "./handover.ts";
import { brokerError } from "./kafka-error.ts";
import { isLost, isPast } from "./membership.ts";
import { OtherPartitions } from "./other-partitions.ts";
import type { PartitionRecord } from "./partition-reader.ts";
import { RecordFlow } from "./record-flow.ts";

const LEAVE_MS = 1000;

/** A member at work: heartbeats, joining again when the group does, reading what is assigned, committing what is settled. */
export class GroupSession implements Session<PartitionRecord> {
  readonly commits: Commits;
  readonly #source: GroupSource;
  readonly #stopped: AbortSignal;
  readonly #ended: AbortController = new AbortController();
  readonly #flow: RecordFlow;
  readonly #handover: Handover;
  readonly #others: OtherPartitions;
  readonly #peer: GroupPeer;
  #client: GroupClient | undefined;
  #opened = false;
  #beating = false;
  #beatTimer: TimerHandle | undefined;
  #lookTimer: TimerHandle | undefined;
  /** A join is under way. */
  #joining = false;
  #rounds: Promise<void> = Promise.resolve();
  #expiring = false;

  constructor(source: GroupSource, intake: Intake<PartitionRecord>, stopped: AbortSignal) {
    this.#source = source;
    this.#stopped = stopped;
    this.#flow = new RecordFlow(source, intake, () => void this.commits.commit().catch(() => {})); // what fails is offered again with the next verdict
    this.commits = new Commits({ partitions: () => source.partitions.values(), send: (parts) => this.#commit(parts) });
    this.#peer = new GroupPeer(source.group, () => this.#opened && void this.#beat());
    this.#others = new OtherPartitions(source, () => this.#client);
    this.#handover = new Handover(source, intake, this.commits, this.#ended.signal);
  }

  /**
   * Resolves after the first round of a new member; what the group moves after that goes on beside the reading. Who is a member already
   * comes up at once: what it has in hand is settled and committed while it joins again, and others wait for that.
   */
  async open(): Promise<void> {
    const { topology, cluster, rules, member } = this.#source;
    let closing: TimerHandle | undefined;
    const onStop = (): void => {
      this.#end();
      this.#client?.endJoining();
      closing = startTimer(() => this.#client?.close(), LEAVE_MS);
    };
    this.#stopped.addEventListener("abort", onStop, { once: true });
    try {
      const { id } = await topology.ensure(rules.topic);
      const anew = this.#source.isAnew(id);
      if (anew) {
        this.#handover.forget([...this.#source.partitions.values()]);
        member.stale = true;
      }
      this.#client = await GroupClient.open(cluster, rules.group, rules.rebalanceTimeoutMs);
      this.#stopped.throwIfAborted();
      if (member.joined) {
        const state = await member.beat(this.#client);
        if (state === "lost") this.#onLost();
        if (state !== "ok") member.stale = true;
      }
      if (!member.joined || anew) {
        this.#joining = true;
        await this.#joinOnce();
        this.#joining = false;
      }
    } finally {
      this.#stopped.removeEventListener("abort", onStop);
      stopTimer(closing);
    }
    this.#opened = true;
    this.#beatLater();
    if (member.stale) this.#rejoin();
    this.#lookTimer = startTimer(() => this.#lookAtTopic(), this.#source.reading.topicRefreshMs, true);
  }

  want(count: number): void {
    this.#flow.want(count);
  }

  settle(verdicts: readonly Settlement<PartitionRecord>[], final: boolean): Promise<void> {
    const settled = this.commits.settle(verdicts, final);
    this.#flow.goOn();
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

  describe(message: Received<PartitionRecord>): Partial<Delivery> {
    return this.#flow.describe(message);
  }

  caughtUp(): Promise<boolean> {
    return this.#flow.caughtUp();
  }

  lag(): number | undefined {
    const own = this.#flow.lag();
    const others = this.#others.lag();
    return own === undefined || others === undefined ? undefined : own + others;
  }

  oldestAt(): Date | undefined {
    return this.#flow.oldestAt();
  }

  async close(): Promise<void> {
    if (this.#source.session === this) this.#source.session = undefined;
    this.#end();
    this.#flow.close();
    this.#peer.leave();
    stopTimer(this.#beatTimer);
    stopTimer(this.#lookTimer);
    if (this.#stopped.aborted)
      await within(
        this.#leave().catch(() => {}),
        LEAVE_MS,
      );
    this.#client?.close();
  }

  /** So that nobody waits until we count as dead. */
  async #leave(): Promise<void> {
    const { member } = this.#source;
    this.#client?.endJoining();
    await this.#rounds; // a name may still come
    if (member.memberId === "" || this.#client === undefined) return;
    const leaving = this.#client.leave(member.memberId);
    member.lose();
    await leaving;
  }

  #end(): void {
    this.#ended.abort(new MillraceError("the session is over", { code: "CLOSED" }));
  }

  // ── heartbeats ──

  #beatLater(): void {
    stopTimer(this.#beatTimer);
    if (!this.#ended.signal.aborted) this.#beatTimer = startTimer(() => void this.#beat(), this.#source.rules.heartbeatMs);
  }

  async #beat(): Promise<void> {
    const { member } = this.#source;
    if (this.#beating || this.#ended.signal.aborted) return;
    this.#beating = true;
    try {
      if (this.#client !== undefined && member.joined) {
        const state = await member.beat(this.#client);
        if (this.#ended.signal.aborted) return;
        if (state === "lost") this.#onLost();
        if (state !== "ok") this.#rejoin();
      }
      this.#beatLater();
    } catch (error) {
      this.#flow.fail(error);
    } finally {
      this.#beating = false;
    }
  }

  /** The group has given our partitions to others, or may have. */
  #onLost(): void {
    this.#source.member.lose();
    this.#handover.forget([...this.#source.partitions.values()]);
  }

  /** Nobody has heard of us for longer than a session: found out when a verdict was given. */
  #expire(): void {
    if (this.#expiring) return;
    this.#expiring = true;
    for (const partition of this.#source.partitions.values()) partition.dead = true;
    laterTurn(() => {
      this.#expiring = false;
      if (this.#ended.signal.aborted) return;
      this.#onLost();
      this.#rejoin();
    });
  }

  // ── joining ──

  #rejoin(): void {
    this.#source.member.stale = true;
    if (!this.#joining && !this.#ended.signal.aborted) this.#rounds = this.#joinUntilSettled().catch((error: unknown) => this.#flow.fail(error));
  }

  /** Joins again and again until the group stays as it is. */
  async #joinUntilSettled(): Promise<void> {
    this.#joining = true;
    try {
      while (this.#source.member.stale && !this.#ended.signal.aborted) await this.#joinOnce();
    } finally {
      this.#joining = false;
    }
  }

  /** One round. Partitions that are not ours any more are let go of, then the group gathers once more and gives them to others. */
  async #joinOnce(): Promise<void> {
    const { member, partitions, cluster, rules } = this.#source;
    const client = this.#client as GroupClient;
    const ended = this.#ended.signal;
    if (!rules.cooperative) await this.#handover.letGo([...partitions.values()]);
    member.stale = false;
    try {
      // What is being let go of is claimed still: nobody gets it before it is free.
      const joining = member.join(client, cluster, { owned: () => [...partitions.keys()], onLost: () => this.#onLost(), ended });
      const ours = await this.#peer.calling(joining);
      ended.throwIfAborted();
      // What comes back before it was given up goes on as it is.
      for (const partition of partitions.values()) {
        if (!ours.includes(partition.index)) continue;
        if (partition.dead) this.#handover.forget([partition]);
        else partition.givenUpBy = undefined;
      }
      const leaving = [...partitions.values()].filter((partition) => !ours.includes(partition.index) && !partition.leaving);
      await this.#handover.take(
        client,
        ours.filter((index) => !partitions.has(index)),
      );
      if (leaving.length > 0) void this.#handover.letGo(leaving).then((gone) => gone && this.#rejoin());
    } catch (error) {
      member.stale = true; // whoever goes on from here has to join first
      throw error;
    }
    this.#flow.goOn();
  }

  // ── commits ──

  async #commit(parts: readonly CommitPart[]): Promise<"done" | "later"> {
    const { member, rules, topicId } = this.#source;
    const { memberId, generation } = member;
    const client = this.#client;
    if (client === undefined || generation < 0) return "later";
    let id: string;
    try {
      id = await client.commit(memberId, generation, { name: rules.topic, id: topicId }, parts);
    } catch (error) {
      this.#flow.fail(error);
      throw error;
    }
    if (id === "NONE") return "done";
    if (isPast(id)) {
      // Of a generation that is over, or about to be by a join of ours, it says nothing new.
      if (id !== "REBALANCE_IN_PROGRESS" && !member.joining && generation === member.generation) {
        if (isLost(id)) this.#onLost();
        this.#rejoin();
      }
      return "later";
    }
    throw brokerError(id, `committing for group ${JSON.stringify(rules.group)}`);
  }

  #lookAtTopic(): void {
    if (this.#ended.signal.aborted) return;
    this.#lookTimer = startTimer(() => this.#lookAtTopic(), this.#source.reading.topicRefreshMs, true);
    const { cluster, rules, member } = this.#source;
    // The leader makes the shares, and a round begins only when it joins.
    const { counts } = member;
    if (counts === undefined) return;
    cluster.refresh([...counts.keys()]).then(
      (found) => {
        const grown = [...counts].some(([name, count]) => (found.get(name)?.leaders.length ?? count) !== count);
        if (grown && member.counts === counts) this.#rejoin();
      },
      (error: unknown) => cluster.logger.warn({ topic: rules.topic, adapter: "kafka", error }, "partitions that were added cannot be looked for"),
    );
  }
}
