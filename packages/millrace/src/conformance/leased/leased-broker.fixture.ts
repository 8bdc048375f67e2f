import { groupBusy, unknownGroup, unknownTopic } from "../../adapter/index.ts";
import { MillraceError } from "../../errors/index.ts";
import { monotonicMs, wallMs } from "../../internal/timers.ts";
import type { From } from "../../message/index.ts";

/** One record of a topic's log. */
export interface LeasedEntry {
  readonly offset: number;
  readonly atMs: number;
  readonly bytes: string;
}

/** Where an entry came from: it was new, given back, or lent to a member whose lease is over. */
export interface Lent extends LeasedEntry {
  readonly source: "new" | "given back" | "claimed";
}

interface Loan {
  readonly owner: string;
  untilMs: number;
}

interface Group {
  /** The next entry that nobody has fetched. */
  cursor: number;
  /** Given back, oldest first. */
  returned: number[];
  readonly loans: Map<number, Loan>;
  readonly members: Map<string, () => void>;
}

interface Topic {
  readonly log: LeasedEntry[];
  readonly groups: Map<string, Group>;
}

/**
 * Stands for a server that keeps a log a topic and lends its entries to the members of a group, each for a time. Its methods are called
 * through a link alone, so that a link can be cut, stalled and refused.
 */
export class LeasedBroker {
  /** Topics to which nothing can be published. */
  readonly readOnly: Set<string> = new Set();
  readonly #topics: Map<string, Topic> = new Map();

  publish(name: string, bytes: string): void {
    if (this.readOnly.has(name)) throw new MillraceError(`topic ${name} takes nothing`, { code: "READ_ONLY" });
    const { log, groups } = this.#made(name);
    log.push({ offset: log.length, atMs: wallMs(), bytes });
    for (const group of groups.values()) this.#wake(group);
  }

  /** Makes topic and group where they are missing. `wake` is called whenever there may be something to fetch. */
  join(name: string, groupName: string, from: From | undefined, member?: { readonly owner: string; wake(): void }): void {
    const topic = this.#made(name);
    const group = topic.groups.get(groupName) ?? { cursor: placeOf(topic.log, from ?? "earliest"), returned: [], loans: new Map(), members: new Map() };
    topic.groups.set(groupName, group);
    if (member !== undefined) group.members.set(member.owner, member.wake);
  }

  /** Gives back what the member has, and forgets the member. */
  leave(name: string, groupName: string, owner: string): void {
    const group = this.#topics.get(name)?.groups.get(groupName);
    if (group === undefined) return;
    group.members.delete(owner);
    this.releaseAllBut(name, groupName, owner, new Set());
  }

  /** Lends at most so many entries: first what was given back or whose lease is over, then what is new. */
  fetch(name: string, groupName: string, owner: string, most: number, leaseMs: number, newFirst = false): Lent[] {
    const { log } = this.topic(name);
    const group = this.group(name, groupName);
    const now = monotonicMs();
    for (const [offset, loan] of group.loans) if (loan.untilMs <= now) group.loans.delete(offset) && insert(group.returned, [-1 - offset]);
    const old = (): Lent[] =>
      group.returned.splice(0, most).map((mark) => ({ ...(log[mark < 0 ? -1 - mark : mark] as LeasedEntry), source: mark < 0 ? "claimed" : "given back" }));
    const fresh = (count: number): Lent[] => {
      const entries = log.slice(group.cursor, group.cursor + count);
      group.cursor += entries.length;
      return entries.map((entry) => ({ ...entry, source: "new" }));
    };
    const first = newFirst ? fresh(most) : old();
    const lent = newFirst && first.length > 0 ? first : [...first, ...(newFirst ? old() : fresh(most - first.length))];
    for (const { offset } of lent) group.loans.set(offset, { owner, untilMs: now + leaseMs });
    return lent;
  }

  /** Done with these; answers those that are another's by now. */
  settle(name: string, groupName: string, owner: string, offsets: readonly number[]): number[] {
    const { loans, returned } = this.group(name, groupName);
    return offsets.filter((offset) => {
      const loan = loans.get(offset);
      if (loan?.owner === owner) loans.delete(offset);
      return loan === undefined ? returned.some((mark) => place(mark) === offset) : loan.owner !== owner;
    });
  }

  /** Lends them for longer; answers those that are another's by now. */
  renew(name: string, groupName: string, owner: string, offsets: readonly number[], leaseMs: number): number[] {
    const { loans } = this.group(name, groupName);
    const untilMs = monotonicMs() + leaseMs;
    return offsets.filter((offset) => {
      const loan = loans.get(offset);
      if (loan?.owner !== owner) return true;
      loan.untilMs = untilMs;
      return false;
    });
  }

  release(name: string, groupName: string, owner: string, offsets: readonly number[]): void {
    const group = this.#topics.get(name)?.groups.get(groupName);
    const mine = offsets.filter((offset) => group?.loans.get(offset)?.owner === owner && group.loans.delete(offset));
    if (group === undefined || mine.length === 0) return;
    insert(group.returned, mine);
    this.#wake(group);
  }

  /** A member that comes back has these; what else was lent to it never arrived. */
  releaseAllBut(name: string, groupName: string, owner: string, held: ReadonlySet<number>): void {
    const { loans } = this.group(name, groupName);
    const mine = [...loans].flatMap(([offset, loan]) => (loan.owner === owner && !held.has(offset) ? [offset] : []));
    this.release(name, groupName, owner, mine);
  }

  /** Has an entry fetched again though it is lent. */
  lendAgain(name: string, groupName: string, offsets: readonly number[]): void {
    insert(this.group(name, groupName).returned, offsets);
  }

  nothingLeft(name: string, groupName: string): boolean {
    const { cursor, returned } = this.group(name, groupName);
    return returned.length === 0 && cursor >= this.topic(name).log.length;
  }

  /** Not settled by the group; `lent`: also what members have. */
  lag(name: string, groupName: string, lent = true): number {
    const { cursor, returned, loans } = this.group(name, groupName);
    return this.topic(name).log.length - cursor + (lent ? returned.length + loans.size : 0);
  }

  topics(): string[] {
    return [...this.#topics.keys()];
  }

  groups(name: string): string[] {
    return [...this.topic(name).groups.keys()];
  }

  /** Throws for a position that is none. */
  seek(name: string, groupName: string, to: From): void {
    const { log } = this.topic(name);
    const group = this.#atRest(name, groupName);
    group.cursor = placeOf(log, to);
    group.returned = [];
    group.loans.clear();
  }

  deleteGroup(name: string, groupName: string): void {
    this.#atRest(name, groupName);
    this.topic(name).groups.delete(groupName);
  }

  deleteTopic(name: string): void {
    const groups = [...(this.#topics.get(name)?.groups.values() ?? [])];
    this.#topics.delete(name);
    for (const group of groups) this.#wake(group);
  }

  topic(name: string): Topic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw unknownTopic(name);
    return topic;
  }

  group(name: string, groupName: string): Group {
    const group = this.topic(name).groups.get(groupName);
    if (group === undefined) throw unknownGroup(name, groupName);
    return group;
  }

  #atRest(name: string, groupName: string): Group {
    const group = this.group(name, groupName);
    if (group.members.size > 0) throw groupBusy(name, groupName);
    return group;
  }

  #made(name: string): Topic {
    const topic = this.#topics.get(name) ?? { log: [], groups: new Map() };
    this.#topics.set(name, topic);
    return topic;
  }

  #wake({ members }: Group): void {
    for (const wake of members.values()) wake();
  }
}

/** What is claimed is marked by a negative number. */
function place(mark: number): number {
  return mark < 0 ? -1 - mark : mark;
}

function insert(returned: number[], marks: readonly number[]): void {
  returned.push(...marks);
  returned.sort((one, other) => place(one) - place(other));
}

function placeOf(log: readonly LeasedEntry[], from: From): number {
  if (from === "earliest") return 0;
  if (from === "latest") return log.length;
  if ("position" in from) return Number(from.position);
  const first = log.findIndex(({ atMs }) => atMs >= from.time.getTime());
  return first === -1 ? log.length : first;
}
