import { coarseMs } from "../internal/slice.ts";
import { wallMs } from "../internal/timers.ts";
import type { From } from "../message/index.ts";
import type { DelayedMessages } from "./delayed-messages.ts";
import type { Losses } from "./losses.ts";
import { MemoryGroup } from "./memory-group.ts";
import { notBefore } from "./not-before.ts";
import { PublishTimes } from "./publish-times.ts";
import type { Stored } from "./stored.ts";

/** What all topics of a pub/sub have in common. */
export interface TopicRules {
  readonly persistent: boolean;
  readonly delayed: DelayedMessages;
  readonly losses: Losses;
}

/** One topic: its groups, and in a persistent pub/sub everything ever published to it. */
export class MemoryTopic {
  readonly name: string;
  readonly #rules: TopicRules;
  readonly #groups: Map<string, MemoryGroup> = new Map();
  /** A list: it is gone through for every message. */
  readonly #all: MemoryGroup[] = [];
  readonly #log: Stored[] | undefined;
  readonly #times: PublishTimes = new PublishTimes();
  #offset = 0;
  #lastMs = 0;

  constructor(name: string, rules: TopicRules) {
    this.name = name;
    this.#rules = rules;
    this.#log = rules.persistent ? [] : undefined;
  }

  get groups(): readonly MemoryGroup[] {
    return this.#all;
  }

  /** The offset of the last message; 0 for none. */
  get last(): number {
    return this.#offset;
  }

  get log(): readonly Stored[] {
    return this.#log ?? [];
  }

  /** Nobody reads it and nothing is kept in it. */
  get disposable(): boolean {
    return this.#all.length === 0 && this.#log === undefined;
  }

  /** Takes a message in: at once, or when it is due. False when too many are held back already. */
  accept(entry: Stored): boolean {
    // Nearly always there are no metadata, and so no delay.
    const dueMs = entry.metadata === undefined ? 0 : notBefore(entry.metadata);
    if (dueMs === 0) {
      this.put(entry);
      return true;
    }
    if (!this.#rules.delayed.hold(this.name, entry, dueMs)) return false;
    entry.acks?.put(0); // who publishes it does not wait until it is due
    entry.acks = undefined;
    return true;
  }

  /** Gives a message its place, before every group. Each of them will tell `acks` about its ack. */
  put(entry: Stored): void {
    entry.offset = ++this.#offset;
    if (this.#log === undefined) this.#stamp(entry);
    else {
      entry.publishedAt = wallMs();
      this.#log.push(entry);
    }
    entry.acks?.put(this.#all.length);
    for (let index = 0; index < this.#all.length; index++) (this.#all[index] as MemoryGroup).add(entry);
    if (this.#all.length === 0 && this.#log === undefined) this.#rules.losses.dropped(this.name);
  }

  /** The most that any group has to do. */
  get load(): number {
    let most = 0;
    for (let index = 0; index < this.#all.length; index++) most = Math.max(most, (this.#all[index] as MemoryGroup).load);
    return most;
  }

  /** When the oldest message was published that this group has not settled. */
  oldestAt(group: MemoryGroup): Date | undefined {
    if (group.load === 0) return undefined;
    const ms = this.#log === undefined ? this.#times.at(group.oldest) : this.#log[group.oldest - 1]?.publishedAt;
    return ms === undefined ? undefined : new Date(ms);
  }

  /** The group of that name, if there is one. */
  find(name: string): MemoryGroup | undefined {
    return this.#groups.get(name);
  }

  /** Moves a group whose members hold nothing. */
  seek(group: MemoryGroup, to: From): void {
    group.seek(this.#cursor(to));
  }

  /** Forgets what is known of a group whose members hold nothing, and stay: they begin it anew. */
  restart(group: MemoryGroup): void {
    group.restart(this.#cursor(group.members[0]?.from));
  }

  /** The group of that name, or a new one; without a name always a new one. */
  group(name: string | undefined, from: From | undefined, kept: boolean): MemoryGroup {
    const known = name === undefined ? undefined : this.#groups.get(name);
    if (known !== undefined) {
      known.kept ||= kept;
      return known;
    }
    const start = { log: this.#log, cursor: this.#cursor(from), last: this.#offset };
    const group = new MemoryGroup(name, start, kept || (this.#log !== undefined && name !== undefined));
    if (name !== undefined) this.#groups.set(name, group);
    this.#all.push(group);
    return group;
  }

  /** Drops a group. */
  drop(group: MemoryGroup): void {
    const index = this.#all.indexOf(group);
    if (index !== -1) this.#all.splice(index, 1);
    if (group.name !== undefined) this.#groups.delete(group.name);
    group.abandon();
  }

  #stamp(entry: Stored): void {
    const now = coarseMs();
    entry.publishedAt = now;
    if (now === this.#lastMs) return;
    this.#lastMs = now;
    let oldest = this.#offset;
    for (const group of this.#all) if (group.load > 0 && group.oldest < oldest) oldest = group.oldest;
    this.#times.mark(this.#offset, now, oldest);
  }

  #cursor(from: From = "earliest"): number {
    const log = this.#log;
    if (log === undefined) return 0;
    if (from === "earliest") return 0;
    if (from === "latest") return log.length;
    if ("position" in from) return Math.min(Math.max(Number(from.position) - 1, 0), log.length);
    const time = from.time.getTime();
    const index = log.findIndex(({ publishedAt }) => publishedAt >= time);
    return index === -1 ? log.length : index;
  }
}
