import type { RecordInit } from "./codec.ts";
import { type Partitioner, partitionerOf } from "./partitioners.ts";
import { recordBytes } from "./wire/batch-builder.ts";
import type { TopicInfo } from "./wire/cluster.ts";

/** Records without a key stay with one partition for so many bytes: full batches, and still all partitions get their share. */
const STAY_BYTES = 32 * 1024;

interface Stay {
  partition: number;
  bytes: number;
}

/** Chooses the partition of each record: by its key, or else one that fills up, then the next. */
export class Placement {
  readonly #byKey: Partitioner;
  readonly #stays: Map<string, Stay> = new Map();

  constructor(partitioner: "java" | "sarama" | Partitioner | undefined) {
    this.#byKey = partitionerOf(partitioner);
  }

  partitionOf({ name, leaders }: TopicInfo, record: RecordInit): number {
    const partitions = leaders.length;
    if (partitions === 1) return 0;
    const { key } = record;
    if (key !== undefined) return this.#byKey(typeof key === "string" ? Buffer.from(key) : key, partitions, name);
    let stay = this.#stays.get(name);
    if (stay === undefined) {
      stay = { partition: Math.floor(Math.random() * partitions), bytes: 0 };
      this.#stays.set(name, stay);
    }
    if (stay.bytes >= STAY_BYTES || stay.partition >= partitions || (leaders[stay.partition] ?? -1) < 0) {
      stay.partition = nextLed(stay.partition, leaders);
      stay.bytes = 0;
    }
    stay.bytes += recordBytes(record);
    return stay.partition;
  }
}

function nextLed(partition: number, leaders: readonly number[]): number {
  for (let step = 1; step <= leaders.length; step++) {
    const next = (partition + step) % leaders.length;
    if ((leaders[next] ?? -1) >= 0) return next;
  }
  return (partition + 1) % leaders.length;
}
