import type { PartitionReader } from "./partition-reader.ts";
import type { ReadingRules } from "./reading-rules.ts";
import { endOffsets } from "./start-offsets.ts";
import type { Cluster } from "./wire/cluster.ts";

/** Messages of these partitions that are not settled. */
export function lagOf(partitions: Iterable<PartitionReader>): number {
  let lag = 0;
  for (const partition of partitions) lag += partition.lag;
  return lag;
}

/** True when everything that is in these partitions now has been delivered. */
export async function isCaughtUp(cluster: Cluster, { topic, committedOnly }: ReadingRules, partitions: ReadonlyMap<number, PartitionReader>): Promise<boolean> {
  const all = [...partitions.values()];
  if (all.some(({ hasMore }) => hasMore)) return false;
  try {
    const ends = await endOffsets(cluster, topic, [...partitions.keys()], committedOnly);
    return all.every(({ hasMore, position, index }) => !hasMore && position >= (ends.get(index) ?? 0));
  } catch {
    return false; // who cannot ask does not know
  }
}
