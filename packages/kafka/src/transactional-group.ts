import type { PartitionReader, PartitionRecord } from "./partition-reader.ts";
import { type OffsetRange, writeRanges } from "./settled-ranges.ts";

/** What a transaction has to know of a group whose position moves with it. */
export interface TransactionalGroup {
  readonly group: string;
  readonly topic: string;
  /** The member and generation of the moment; `undefined` while there is none. */
  readonly standing: { readonly memberId: string; readonly generation: number } | undefined;
  /** Resolves when no commit of the group's own is under way. */
  idle(): Promise<void>;
}

/** What a partition's position is once these records are settled too. */
export interface PartitionPosition {
  readonly partition: PartitionReader;
  readonly offset: number;
  readonly note: string;
  /** What is settled from this offset on finds no place in the note. */
  readonly covered: number;
}

/** Positions of the partitions of `records`, as if they were settled already. */
export function positionsWith(records: readonly PartitionRecord[]): PartitionPosition[] {
  const some = new Set(records);
  return [...new Set(records.map(({ place }) => place))].map((partition) => {
    const { settledTo, ranges } = partition.preview((record) => some.has(record));
    const { text, covered } = writeRanges(settledTo, ranges);
    return { partition, offset: settledTo, note: text, covered };
  });
}

/**
 * Runs `work` while nobody else commits a position of these partitions: of two commits the later one would win, whatever it says.
 * All of them are taken at once, so that two who want the same ones do not wait for each other.
 */
export async function holding<T>(partitions: readonly PartitionReader[], work: () => Promise<T>): Promise<T> {
  for (;;) {
    const held = partitions.find(({ deciding }) => deciding !== undefined);
    if (held === undefined) break;
    await held.deciding;
  }
  const groups = new Set(partitions.map(({ group }) => group));
  const running = Promise.all([...groups].map((group) => group?.idle())).then(work);
  const release = (): void => {
    for (const partition of partitions) partition.deciding = undefined;
  };
  const decided = running.then(release, release);
  for (const partition of partitions) partition.deciding = decided;
  await decided;
  return await running;
}

/** True when a group whose record is that has this offset settled. */
export function isSettledAt(offset: number, recorded: { readonly offset: number; readonly ranges: readonly OffsetRange[] }): boolean {
  return offset < recorded.offset || recorded.ranges.some(({ begin, end }) => begin <= offset && offset < end);
}
