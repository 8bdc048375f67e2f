import type { Intake } from "../adapter/index.ts";
import { Received } from "../adapter/index.ts";
import { Ring } from "../internal/ring.ts";
import type { From } from "../message/index.ts";
import { SettledPrefix } from "./settled-prefix.ts";
import { SETTLED, type Stored } from "./stored.ts";

/** One member's demand. */
export interface Member {
  readonly intake: Intake<Stored>;
  /** Where its subscription would have a new group begin. */
  readonly from: From | undefined;
  wanted: number;
}

/** Where a group of a topic begins. */
export interface GroupStart {
  /** Everything published to a persistent topic. */
  readonly log: readonly Stored[] | undefined;
  /** Place in the log of the first message. */
  readonly cursor: number;
  /** The offset of the topic's last message. */
  readonly last: number;
}

/** The messages of one topic for one group, and the members that share them, in turn. */
export class MemoryGroup {
  readonly name: string | undefined;
  /** Made by `provision`, or of a persistent topic: outlives its members. */
  kept: boolean;
  readonly members: Member[] = [];
  /** Never handed out, or handed back: the same objects again, which know how often and when they may be tried next. */
  readonly #returned: Ring<Received<Stored>> = new Ring();
  readonly #fresh: Ring<Stored> = new Ring();
  readonly #log: readonly Stored[] | undefined;
  #settled: SettledPrefix;
  /** Publishers of messages up to here do not wait for this group: it was not there yet, or has told them already. */
  #countedTo: number;
  #cursor: number;
  #turn = 0;
  #unsettled = 0;
  /** Verdicts given so far: tells a slow group from a stuck one. */
  verdicts = 0;

  constructor(name: string | undefined, { log, cursor, last }: GroupStart, kept: boolean) {
    this.name = name;
    this.kept = kept;
    this.#log = log;
    this.#cursor = cursor;
    this.#countedTo = last;
    this.#settled = new SettledPrefix(log === undefined ? last : cursor);
  }

  /** Not handed to any member yet. */
  get backlog(): number {
    return this.#returned.size + this.#fresh.size + (this.#log === undefined ? 0 : this.#log.length - this.#cursor);
  }

  /** Held by members, or waiting here: not settled yet, and what the buffer's bound counts. */
  get load(): number {
    return this.#unsettled + this.backlog;
  }

  /** Held by members. */
  get inHand(): number {
    return this.#unsettled;
  }

  /** The offset of the oldest message that is not settled, if there is one. */
  get oldest(): number {
    return this.#settled.to + 1;
  }

  /** Reads on from another place of the log. Nothing is in the hands of members. */
  seek(cursor: number): void {
    const log = this.#log ?? [];
    for (const { receipt } of this.#returned) this.#tell(receipt);
    for (let at = this.#cursor; at < cursor; at++) this.#tell(log[at] as Stored);
    this.#countedTo = Math.max(this.#countedTo, this.#cursor, cursor);
    this.#returned.clear();
    this.#cursor = cursor;
    this.#settled = new SettledPrefix(cursor);
    this.deal();
  }

  /** A new message of the topic. (In a persistent topic it is in the log already.) */
  add(message: Stored): void {
    if (this.members.length === 1) {
      const only = this.members[0] as Member;
      if (only.wanted > 0 && this.#log === undefined && this.#fresh.size === 0 && this.#returned.size === 0) {
        this.#hand(only, new Received(message, message));
        return;
      }
    }
    if (this.#log === undefined) this.#fresh.push(message);
    this.deal();
  }

  /** Deals what waits to the members that want some, one each in turn. */
  deal(): void {
    const only = this.members[0];
    if (only === undefined) return;
    // A delivery may change who is here.
    while (this.members.length === 1 && this.members[0] === only) {
      const message = only.wanted > 0 ? this.#shift() : undefined;
      if (message === undefined) return;
      this.#hand(only, message);
    }
    this.#dealInTurn();
  }

  #dealInTurn(): void {
    let idle = 0;
    while (idle < this.members.length) {
      this.#turn = (this.#turn + 1) % this.members.length;
      const member = this.members[this.#turn] as Member;
      const message = member.wanted > 0 ? this.#shift() : undefined;
      if (message === undefined) idle++;
      else {
        idle = 0;
        this.#hand(member, message);
      }
    }
  }

  settled({ receipt }: Received<Stored>): void {
    this.#unsettled--;
    this.verdicts++;
    this.#settled.add(receipt.offset);
    receipt.fate = SETTLED;
    if (receipt.acks !== undefined) this.#tell(receipt);
  }

  /** They stay with their member, but somebody works on them: that is no stuck group. */
  failed(count: number): void {
    this.verdicts += count;
  }

  /** Never handed out, or handed back: comes first again, in its old order. */
  giveBack(messages: readonly Received<Stored>[]): void {
    const all = [...messages, ...this.#returned];
    all.sort((one, other) => one.receipt.offset - other.receipt.offset);
    this.#returned.clear();
    for (const message of all) this.#returned.push(message);
    this.#unsettled -= messages.length;
    this.deal();
  }

  /** What waits here, oldest first. */
  *waiting(): IterableIterator<Stored> {
    for (const { receipt } of this.#returned) yield receipt;
    yield* this.#fresh;
    const log = this.#log ?? [];
    for (let at = this.#cursor; at < log.length; at++) yield log[at] as Stored;
  }

  /** Is what a new group of its members would be. They hold nothing. */
  restart(cursor: number): void {
    this.kept = this.#log !== undefined;
    if (this.#log !== undefined) this.seek(cursor);
    else this.abandon();
  }

  /** Nobody will ever ack what is here. */
  abandon(): void {
    for (const message of this.waiting()) this.#tell(message);
    this.#returned.clear();
    this.#fresh.clear();
    this.#cursor = this.#log?.length ?? 0;
  }

  /** Tells a publisher that waits for acks, once for each message. */
  #tell({ acks, offset }: Stored): void {
    if (acks !== undefined && offset > this.#countedTo) acks.take();
  }

  #shift(): Received<Stored> | undefined {
    if (this.#returned.size > 0) return this.#returned.shift();
    const fresh = this.#log === undefined ? this.#fresh.shift() : this.#log[this.#cursor];
    if (fresh === undefined) return undefined;
    if (this.#log !== undefined) this.#cursor++;
    return new Received(fresh, fresh);
  }

  #hand(member: Member, message: Received<Stored>): void {
    member.wanted--;
    this.#unsettled++;
    member.intake.deliver(message);
  }
}
