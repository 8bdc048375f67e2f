import type { GroupClient } from "./group-client.ts";
import { type OffsetRange, readRanges } from "./settled-ranges.ts";
import { earliestOffsets, endOffsets } from "./start-offsets.ts";
import type { Cluster } from "./wire/cluster.ts";

/** What a group has not settled of one partition, by what it has on record. */
export interface PartitionBacklog {
  readonly partition: number;
  /** The first offset that is not settled. */
  readonly begin: number;
  readonly end: number;
  /** What is settled in between. */
  readonly settled: readonly OffsetRange[];
  /** Offsets that are not settled: messages, as far as every offset holds one. */
  readonly offsets: number;
}

/** Asks for the backlog of some partitions. `recorded` is false when the group has none of them on record. */
export async function partitionBacklogs(
  cluster: Cluster,
  client: GroupClient,
  topic: string,
  partitions: readonly number[],
  committedOnly: boolean,
): Promise<{ readonly recorded: boolean; readonly backlogs: readonly PartitionBacklog[] }> {
  const [committed, starts, ends] = await Promise.all([
    client.committed(topic, partitions, { atOnce: true }),
    earliestOffsets(cluster, topic, partitions, committedOnly),
    endOffsets(cluster, topic, partitions, committedOnly),
  ]);
  const backlogs = partitions.map((partition): PartitionBacklog => {
    const known = committed.get(partition);
    const start = starts.get(partition) ?? 0;
    // What retention has deleted is no backlog, and of a partition without a record nothing is settled.
    const begin = Math.max(start, known?.offset ?? start);
    const end = Math.max(begin, ends.get(partition) ?? begin);
    const settled = known === undefined ? [] : within(readRanges(known.offset, known.note), begin, end);
    return { partition, begin, end, settled, offsets: end - begin - lengthOf(settled) };
  });
  return { recorded: committed.size > 0, backlogs };
}

/** The parts of ranges that lie between two offsets. */
export function within(ranges: readonly OffsetRange[], from: number, to: number): readonly OffsetRange[] {
  return ranges.flatMap(({ begin, end }) => (end > from && begin < to ? [{ begin: Math.max(begin, from), end: Math.min(end, to) }] : []));
}

export function lengthOf(ranges: readonly OffsetRange[]): number {
  return ranges.reduce((sum, { begin, end }) => sum + end - begin, 0);
}
