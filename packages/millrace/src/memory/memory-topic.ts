import type { From, Message } from "../message/index.ts";
import type { Acks } from "./acks.ts";
import { MemoryGroup } from "./memory-group.ts";
import { Stored } from "./stored.ts";

/** One topic: its groups, and in a persistent pub/sub everything ever published to it. */
export class MemoryTopic {
  readonly name: string;
  readonly #groups: Map<string, MemoryGroup> = new Map();
  readonly #all: Set<MemoryGroup> = new Set();
  readonly #log: Stored[] | undefined;
  #offset = 0;

  constructor(name: string, persistent: boolean) {
    this.name = name;
    this.#log = persistent ? [] : undefined;
  }

  get groups(): ReadonlySet<MemoryGroup> {
    return this.#all;
  }

  /** Nobody reads it and nothing is kept in it. */
  get disposable(): boolean {
    return this.#all.size === 0 && this.#log === undefined;
  }

  /** Puts a message before every group. Each of them will tell `acks` about its ack. */
  put(message: Message, acks: Acks | undefined): void {
    const entry = new Stored(message, ++this.#offset, this.#log !== undefined, acks?.onAck);
    this.#log?.push(entry);
    acks?.put(this.#all.size);
    for (const group of this.#all) group.add(entry);
  }

  /** The most that any group has to do. */
  get load(): number {
    let most = 0;
    for (const group of this.#all) if (group.load > most) most = group.load;
    return most;
  }

  /** The group of that name, or a new one; without a name always a new one. */
  group(name: string | undefined, from: From | undefined, kept: boolean): MemoryGroup {
    const known = name === undefined ? undefined : this.#groups.get(name);
    if (known !== undefined) {
      known.kept ||= kept;
      return known;
    }
    const group = new MemoryGroup(name, this.#log, this.#cursor(from), kept || (this.#log !== undefined && name !== undefined));
    if (name !== undefined) this.#groups.set(name, group);
    this.#all.add(group);
    return group;
  }

  /** The group of that name, if there is one. */
  find(name: string): MemoryGroup | undefined {
    return this.#groups.get(name);
  }

  /** Moves a group whose members hold nothing. */
  seek(group: MemoryGroup, to: From): void {
    group.seek(this.#cursor(to));
  }

  /** Drops a group that has no members and need not be remembered. */
  release(group: MemoryGroup): void {
    if (group.kept || group.members.length > 0) return;
    this.#all.delete(group);
    if (group.name !== undefined) this.#groups.delete(group.name);
    group.abandon();
  }

  clear(): void {
    for (const group of this.#all) group.abandon();
    this.#all.clear();
    this.#groups.clear();
  }

  #cursor(from: From = "earliest"): number {
    const log = this.#log;
    if (log === undefined) return 0;
    if (from === "earliest") return 0;
    if (from === "latest") return log.length;
    if ("position" in from) return Math.min(Math.max(Number(from.position) - 1, 0), log.length);
    const time = from.time.getTime();
    const index = log.findIndex(({ publishedAt = 0 }) => publishedAt >= time);
    return index === -1 ? log.length : index;
  }
}
