import type { Logger } from "../logger/index.ts";
import { DelayedMessages } from "./delayed-messages.ts";
import { ForgottenCounts } from "./forgotten.ts";
import { Losses } from "./losses.ts";
import type { MemoryGroup } from "./memory-group.ts";
import { MemoryTopic, type TopicRules } from "./memory-topic.ts";
import { OVERFLOW, PublishQueue } from "./publish-queue.ts";

/** A topic, and the publishers that wait for room in it. */
export interface Room {
  readonly topic: MemoryTopic;
  readonly queue: PublishQueue;
}

/** The topics of one pub/sub: made when somebody needs them, gone when nobody does. */
export class MemoryTopics {
  readonly #rooms: Map<string, Room> = new Map();
  readonly #bound: number;
  readonly #rules: TopicRules;
  /** From the beginning of the end. */
  #forgotten: ForgottenCounts | undefined;

  /** `bound`: most messages that a group may hold before publishers wait. */
  constructor(persistent: boolean, bound: number, logger: Logger) {
    const delayed = new DelayedMessages((topic, entry) => this.forPublish(topic).topic.put(entry), bound * OVERFLOW);
    this.#bound = bound;
    this.#rules = { persistent, delayed, losses: new Losses(logger) };
  }

  /** The topic of that name, if it is known. */
  get(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  /** The topic of that name; it stays until `leave`. */
  room(name: string): Room {
    let room = this.#rooms.get(name);
    if (room === undefined) {
      room = this.#made(name);
      this.#rooms.set(name, room);
    }
    return room;
  }

  /** Where a message of that topic goes: without `persistent` perhaps a topic that nobody reads, and that nobody will know. */
  forPublish(name: string): Room {
    return this.#rules.persistent ? this.room(name) : (this.#rooms.get(name) ?? this.#made(name));
  }

  /** A member has left its group. A group without members that nothing keeps goes, and so does a topic that nobody needs. */
  leave(room: Room, group: MemoryGroup): void {
    const { topic } = room;
    if (!group.kept && group.members.length === 0) {
      if (this.#forgotten !== undefined) this.#forgotten.group(topic.name, group);
      else if (group.backlog > 0 && !this.#rules.persistent) this.#rules.losses.left(topic.name, group.name, group.backlog);
      topic.drop(group);
    }
    this.#tidy(room);
  }

  /** Drops a group although something waits in it. Members that stay, and hold nothing, begin it anew. */
  forget(topic: MemoryTopic, group: MemoryGroup): void {
    if (group.members.length > 0) topic.restart(group);
    else topic.drop(group);
    const room = this.#rooms.get(topic.name);
    if (room?.topic === topic) this.#tidy(room);
  }

  /** All that are known, in the order in which they came. */
  list(): readonly MemoryTopic[] {
    return Array.from(this.#rooms.values(), ({ topic }) => topic);
  }

  /** Nothing is taken in any more; publishers that wait are told. What goes from now on is counted. */
  beginClosing(): void {
    this.#forgotten = new ForgottenCounts();
    this.#forgotten.delayed(this.#rules.delayed.close());
    for (const { queue } of this.#rooms.values()) queue.close();
  }

  /** Every subscription has ended: forgets everything, and says what of it should have been handled. */
  async close(): Promise<void> {
    const forgotten = this.#forgotten ?? new ForgottenCounts();
    const topics = this.list();
    for (const topic of topics) {
      for (const group of [...topic.groups]) {
        forgotten.group(topic.name, group);
        topic.drop(group);
      }
    }
    for (const topic of topics) await forgotten.topic(topic);
    this.#rooms.clear();
    this.#rules.losses.closed(forgotten.list());
  }

  /** A group is gone: publishers need not wait for it, and perhaps nobody needs the topic. */
  #tidy(room: Room): void {
    const { topic, queue } = room;
    queue.moveOn();
    if (topic.disposable && !queue.busy && this.#rooms.get(topic.name) === room) this.#rooms.delete(topic.name);
  }

  #made(name: string): Room {
    const topic = new MemoryTopic(name, this.#rules);
    return { topic, queue: new PublishQueue(topic, this.#bound) };
  }
}
