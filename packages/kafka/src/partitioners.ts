import { MillraceError } from "millrace";

/** Chooses the partition of a message with a key: a whole number from 0 to `partitions` − 1. */
export type Partitioner = (key: Uint8Array, partitions: number, topic: string) => number;

/** Kafka's own for Java: murmur2. Members written in Java, Python (librdkafka's `murmur2_random`) or with Kafka Streams agree with it. */
export const javaPartitioner: Partitioner = (key, partitions) => (murmur2(key) & 0x7fffffff) % partitions;

/** Sarama's, and so Watermill's: FNV-1a of 32 bits. Use it where Go services publish to the same topics by key. */
export const saramaPartitioner: Partitioner = (key, partitions) => Math.abs((fnv1a(key) | 0) % partitions);

/** The partitioner that an option names. */
export function partitionerOf(option: "java" | "sarama" | Partitioner | undefined): Partitioner {
  if (option === undefined || option === "java") return javaPartitioner;
  if (option === "sarama") return saramaPartitioner;
  return (key, partitions, topic) => {
    const partition = option(key, partitions, topic);
    if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return partition;
    throw new MillraceError(`the partitioner chose ${partition} of ${partitions} partitions`, { code: "UNENCODABLE" });
  };
}

/** Murmur2 of 32 bits with Kafka's seed. */
export function murmur2(data: Uint8Array): number {
  const M = 0x5bd1e995;
  const { length } = data;
  let hash = 0x9747b28c ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let word = (data[at] as number) | ((data[at + 1] as number) << 8) | ((data[at + 2] as number) << 16) | ((data[at + 3] as number) << 24);
    word = Math.imul(word, M);
    word ^= word >>> 24;
    hash = Math.imul(hash, M) ^ Math.imul(word, M);
  }
  const rest = length - at;
  if (rest === 3) hash ^= (data[at + 2] as number) << 16;
  if (rest >= 2) hash ^= (data[at + 1] as number) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (data[at] as number), M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
}

/** FNV-1a of 32 bits. */
export function fnv1a(data: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of data) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
