import type { PartitionReader, PartitionRecord } from "./partition-reader.ts";
import { writeRanges } from "./settled-ranges.ts";

/** What a transaction has to know of a group whose position moves with it. */
export interface TransactionalGroup {
  readonly group: string;
  readonly topic: string;
  /** The member and generation of the moment; `undefined` while there is none. */
  readonly standing: { readonly memberId: string; readonly generation: number } | undefined;
  /** Runs `work` with no commit of the group's own under way. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
}

/** What a partition's position is once these records are settled too. */
export interface PartitionPosition {
  readonly partition: PartitionReader;
  readonly offset: number;
  readonly note: string;
}

/** Positions of the partitions of `records`, as if they were settled already. */
export function positionsWith(records: readonly PartitionRecord[]): PartitionPosition[] {
  const some = new Set(records);
  return [...new Set(records.map(({ place }) => place))].map((partition) => {
    const { settledTo, ranges } = partition.preview((record) => some.has(record));
    return { partition, offset: settledTo, note: writeRanges(settledTo, ranges).text };
  });
}
