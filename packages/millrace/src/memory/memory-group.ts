import type { Intake } from "../adapter/index.ts";
import { Received } from "../adapter/index.ts";
import { Ring } from "../internal/ring.ts";
import type { Stored } from "./stored.ts";

/** One member's demand. */
export interface Member {
  readonly intake: Intake<Stored>;
  wanted: number;
}

/** The messages of one topic for one group, and the members that share them, in turn. */
export class MemoryGroup {
  readonly name: string | undefined;
  /** Made by `provision`, or of a persistent topic: outlives its members. */
  kept: boolean;
  readonly members: Member[] = [];
  readonly #returned: Ring<Received<Stored>> = new Ring();
  readonly #fresh: Ring<Stored> = new Ring();
  readonly #log: readonly Stored[] | undefined;
  #cursor: number;
  #turn = 0;
  #unsettled = 0;
  /** Up to this offset every ack was counted for its publisher, also of what is read once more. */
  #countedTo = 0;
  /** Verdicts given so far: tells a slow group from a stuck one. */
  verdicts = 0;

  constructor(name: string | undefined, log: readonly Stored[] | undefined, cursor: number, kept: boolean) {
    this.name = name;
    this.kept = kept;
    this.#log = log;
    this.#cursor = cursor;
  }

  /** Not handed to any member yet. */
  get backlog(): number {
    return this.#returned.size + this.#fresh.size + (this.#log === undefined ? 0 : this.#log.length - this.#cursor);
  }

  /** Held by members, or waiting here: what the buffer's bound counts. */
  get load(): number {
    return this.#unsettled + this.backlog;
  }

  /** Held by members. */
  get inHand(): number {
    return this.#unsettled;
  }

  /** When the oldest of the load was published. What members hold is not kept here in its order: known while they hold nothing. */
  get oldestAt(): Date | undefined {
    if (this.#unsettled > 0) return undefined;
    const oldest = this.#returned.peek()?.receipt ?? this.#fresh.peek() ?? this.#log?.[this.#cursor];
    return oldest?.publishedAt === undefined ? undefined : new Date(oldest.publishedAt);
  }

  /** Reads on from another place of the log. Nothing is in the hands of members. */
  seek(cursor: number): void {
    const log = this.#log ?? [];
    for (const { receipt } of this.#returned) this.#count(receipt);
    for (let index = this.#cursor; index < cursor; index++) this.#count(log[index] as Stored);
    this.#countedTo = Math.max(this.#countedTo, this.#cursor, cursor);
    this.#returned.clear();
    this.#cursor = cursor;
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
    let idle = 0;
    while (idle < this.members.length && this.backlog > 0) {
      this.#turn = (this.#turn + 1) % this.members.length;
      const member = this.members[this.#turn] as Member;
      if (member.wanted <= 0) {
        idle++;
        continue;
      }
      idle = 0;
      this.#hand(member, this.#shift());
    }
  }

  settled(message: Received<Stored>): void {
    this.#unsettled--;
    this.verdicts++;
    this.#count(message.receipt);
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

  /** Nobody will ever ack what is here. */
  abandon(): void {
    for (const { receipt } of this.#returned) this.#count(receipt);
    for (const message of this.#fresh) this.#count(message);
    this.#returned.clear();
    this.#fresh.clear();
  }

  /** Tells a publisher that waits for acks, once for each message. */
  #count({ onAck, offset }: Stored): void {
    if (onAck !== undefined && offset > this.#countedTo) onAck();
  }

  #shift(): Received<Stored> {
    const returned = this.#returned.shift();
    if (returned !== undefined) return returned;
    const fresh = (this.#log === undefined ? this.#fresh.shift() : this.#log[this.#cursor++]) as Stored;
    return new Received(fresh, fresh);
  }

  #hand(member: Member, message: Received<Stored>): void {
    member.wanted--;
    this.#unsettled++;
    member.intake.deliver(message);
  }
}
