import { PartitionQueue } from "./partition-queue.ts";

/** The queues of all partitions that were ever written to. */
export class PartitionQueues {
  readonly #maxBatchBytes: number;
  readonly #topics: Map<string, PartitionQueue[]> = new Map();

  constructor(maxBatchBytes: number) {
    this.#maxBatchBytes = maxBatchBytes;
  }

  of(topic: string, partition: number): PartitionQueue {
    let queues = this.#topics.get(topic);
    if (queues === undefined) {
      queues = [];
      this.#topics.set(topic, queues);
    }
    queues[partition] ??= new PartitionQueue(topic, partition, this.#maxBatchBytes);
    return queues[partition];
  }

  renewIdentity(): void {
    for (const queues of this.#topics.values()) for (const queue of queues) queue?.renewIdentity();
  }
}
