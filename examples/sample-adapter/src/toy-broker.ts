/** Stands for a server: topics with groups, each group a queue of records. Yours is somebody else's program. */
export interface ToyRecord {
  readonly offset: number;
  readonly bytes: string;
}

export interface ToyQueue {
  readonly waiting: ToyRecord[];
  readonly members: Set<() => void>;
  /** Records that members have and have not settled. */
  inHand: number;
}

export class ToyBroker {
  readonly #queues: Map<string, Map<string, ToyQueue>> = new Map();
  #offset = 0;

  append(topic: string, bytes: string): void {
    const record = { offset: ++this.#offset, bytes };
    for (const queue of this.#groups(topic).values()) {
      queue.waiting.push(record);
      for (const wake of queue.members) wake();
    }
  }

  queue(topic: string, group: string): ToyQueue {
    const groups = this.#groups(topic);
    const queue = groups.get(group) ?? { waiting: [], members: new Set(), inHand: 0 };
    groups.set(group, queue);
    return queue;
  }

  #groups(topic: string): Map<string, ToyQueue> {
    const groups = this.#queues.get(topic) ?? new Map<string, ToyQueue>();
    this.#queues.set(topic, groups);
    return groups;
  }
}
