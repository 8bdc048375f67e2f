import { KEY_COUNT, keyOf } from "./content.ts";
import type { Fault } from "./fault.ts";
import { KIND } from "./kinds.ts";
import { MemberRecord } from "./member-record.ts";
import type { Problems } from "./problems.ts";

const HANDED = 1;
const DONE = 2;
const LOST = 3;

/** Which order is to hold in a group. */
export interface OrderRules {
  /** First deliveries of a key come in the order in which they were published, whoever gets them. */
  readonly acrossMembers: boolean;
  /** While a member has a message of a key in hand, no other member has one. */
  readonly oneMemberPerKey: boolean;
}

export interface GroupCheckSettings {
  readonly group: string;
  readonly count: number;
  readonly order: OrderRules;
  readonly faults: readonly Fault[];
  /** By message: how often it was published again because nobody knew whether the broker had it. */
  readonly sentAgain: Uint8Array;
  readonly problems: Problems;
}

/** Follows what the members of a group tell, in the order of the journal, with a few bytes for each message. */
export class GroupCheck {
  readonly group: string;
  readonly #settings: GroupCheckSettings;
  readonly #members: Map<number, MemberRecord> = new Map();
  readonly #states: Uint8Array;
  readonly #holders: Uint16Array;
  /** By message: which ack of its member was for it. */
  readonly #ordinals: Uint32Array;
  /** By message: how many faults were over when it was handed out last. */
  readonly #endedAt: Uint8Array;
  readonly #finished: Uint8Array;
  readonly #copies: Uint8Array;
  /** Messages that came again once, and were taken for a copy, with the fault that it was. */
  readonly #taken: Map<number, Fault> = new Map();
  readonly #latest: Int32Array = new Int32Array(KEY_COUNT);
  #begun = 0;
  #ended = 0;
  #low = 0;
  handOuts = 0;
  acks = 0;
  firsts = 0;

  constructor(settings: GroupCheckSettings) {
    const { group, count } = settings;
    this.#settings = settings;
    this.group = group;
    this.#states = new Uint8Array(count);
    this.#holders = new Uint16Array(count);
    this.#ordinals = new Uint32Array(count);
    this.#endedAt = new Uint8Array(count);
    this.#finished = new Uint8Array(count);
    this.#copies = new Uint8Array(count);
  }

  /** All messages before this one are handled. */
  get handledTo(): number {
    return this.#low;
  }

  /** Messages that nobody handled. */
  get missing(): readonly number[] {
    const found: number[] = [];
    for (let sequence = this.#low; sequence < this.#finished.length; sequence++) if (this.#finished[sequence] === 0) found.push(sequence);
    return found;
  }

  member(id: number): MemberRecord {
    let member = this.#members.get(id);
    if (member === undefined) {
      member = new MemberRecord(id);
      this.#members.set(id, member);
    }
    return member;
  }

  take(kind: number, id: number, a: number, b: number): void {
    const member = this.member(id);
    if (kind === KIND.handed) this.#handed(member, a);
    else if (kind === KIND.done) this.#done(member, a);
    else if (kind === KIND.lost) this.#lost(member, a, b === 1);
    else if (kind === KIND.ready) member.ready = true;
    else if (kind === KIND.closed) member.closed = true;
    else if (kind === KIND.unflushed) member.onUnflushed(a);
    else if (kind === KIND.status) member.held = b;
    if (this.#begun > this.#ended && this.#settings.faults[this.#ended]?.strikes(this.group, id) === true) member.measure();
    if (kind === KIND.flushed) member.onFlushed(a); // after its peak
  }

  faultBegun(fault: Fault): void {
    this.#begun = fault.number + 1;
    this.#forgetLatest();
    for (const member of this.#members.values()) {
      if (!fault.strikes(this.group, member.id) || member.dead) continue;
      member.measure();
      if (fault.kind === "kill") member.dead = true;
    }
  }

  faultEnded(fault: Fault): void {
    this.#ended = fault.number + 1;
    this.#forgetLatest();
    for (const member of this.#members.values()) {
      const peak = member.takePeak();
      if (peak !== undefined) fault.add(peak);
    }
  }

  #forgetLatest(): void {
    for (const { latest } of this.#members.values()) latest.fill(0);
  }

  #handed(member: MemberRecord, sequence: number): void {
    const key = keyOf(sequence);
    this.#checkAlone(member, key, sequence);
    member.open[key] = sequence + 1;
    member.inFlight++;
    this.handOuts++;
    if (this.#states[sequence] === 0) {
      this.firsts++;
      this.#checkOrder(member, key, sequence);
    } else this.#repeated(sequence);
    this.#states[sequence] = HANDED;
    this.#holders[sequence] = member.id;
    this.#endedAt[sequence] = this.#ended;
  }

  #done(member: MemberRecord, sequence: number): void {
    member.done++;
    this.acks++;
    this.#release(member, sequence);
    if (this.#holders[sequence] === member.id) {
      this.#states[sequence] = DONE;
      this.#ordinals[sequence] = member.done;
    }
    this.#finished[sequence] = (this.#finished[sequence] as number) + 1;
    while (this.#low < this.#finished.length && this.#finished[this.#low] !== 0) this.#low++;
  }

  #lost(member: MemberRecord, sequence: number, refused: boolean): void {
    this.#release(member, sequence);
    if (this.#holders[sequence] === member.id) this.#states[sequence] = LOST;
    if (!refused) return;
    this.#finished[sequence] = (this.#finished[sequence] as number) - 1;
    if (this.#finished[sequence] === 0) this.#low = Math.min(this.#low, sequence);
  }

  #release(member: MemberRecord, sequence: number): void {
    const key = keyOf(sequence);
    if (member.open[key] !== sequence + 1) return;
    member.open[key] = 0;
    member.inFlight--;
  }

  #checkAlone(member: MemberRecord, key: number, sequence: number): void {
    for (const other of this.#members.values()) {
      const open = other.open[key] as number;
      if (open === 0 || other.dead || (other !== member && !this.#settings.order.oneMemberPerKey)) continue;
      this.#problem(`message ${sequence} was handed to member ${member.id} while member ${other.id} had ${open - 1} of the same key in hand`);
    }
  }

  #checkOrder(member: MemberRecord, key: number, sequence: number): void {
    const { acrossMembers } = this.#settings.order;
    // Where order holds within a member only, what comes back from another one after a fault comes late.
    if (!acrossMembers && this.#begun > this.#ended) return;
    const latest = acrossMembers ? this.#latest : member.latest;
    const before = latest[key] as number;
    if (sequence < before) this.#problem(`message ${sequence} was first handed out (to member ${member.id}) after ${before - 1} of the same key`);
    else latest[key] = sequence + 1;
  }

  #repeated(sequence: number): void {
    const { faults, sentAgain } = this.#settings;
    const holder = this.member(this.#holders[sequence] as number);
    const possible = faults.slice(this.#endedAt[sequence], this.#begun);
    const fault = possible.find(({ victim }) => victim === holder.id) ?? possible[0];
    const copies = this.#copies[sequence] as number;
    if (copies < (sentAgain[sequence] as number)) {
      this.#copies[sequence] = copies + 1;
      const cause = fault ?? faults[this.#begun - 1];
      if (cause === undefined) return;
      cause.copies++;
      if (fault !== undefined) this.#taken.set(sequence, fault);
      return;
    }
    const earlier = this.#taken.get(sequence);
    if (fault === undefined && earlier !== undefined) {
      // The copy is this one, and what was taken for it was the fault's.
      this.#taken.delete(sequence);
      earlier.duplicates++;
      return;
    }
    if (fault === undefined) {
      this.#problem(`message ${sequence} was handed out again without any fault; member ${holder.id} had it before`);
      return;
    }
    fault.duplicates++;
    if (!fault.strikes(this.group, holder.id)) fault.strayDuplicates++;
    if (this.#states[sequence] === DONE && holder.isDurable(this.#ordinals[sequence] as number)) fault.flushedDuplicates++;
  }

  #problem(text: string): void {
    this.#settings.problems.add(`group ${this.group}: ${text}`);
  }
}
