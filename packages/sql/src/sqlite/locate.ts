import type { From } from "millrace";
import type { Connection } from "./connection.ts";
import type { TopicTables } from "./tables.ts";

/** The offset just before the first message of a reading that begins at `from`. */
export function locate(connection: Connection, tables: TopicTables, from: From): number {
  if (from === "earliest") return 0;
  if (from === "latest") return lastOffset(connection, tables);
  if ("position" in from) return Number(from.position) - 1;
  return beforeTime(connection, tables, from.time.getTime());
}

/** Of rows that were deleted too: offsets are never used twice. */
export function lastOffset(connection: Connection, { names }: TopicTables): number {
  return (connection.statement("SELECT seq FROM sqlite_sequence WHERE name = ?").get(names[0]) as [number] | undefined)?.[0] ?? 0;
}

/** The offset just before the first message that entered at `time`, in milliseconds since the epoch, or later. Times of entry ascend with the offsets, so halving finds the place in a few steps, whatever the size of the log. */
export function beforeTime(connection: Connection, tables: TopicTables, time: number): number {
  const next = connection.statement(`SELECT offset, created_at FROM ${tables.messages} WHERE offset > ? ORDER BY offset LIMIT 1`);
  let low = 0; // everything up to here is older
  let high = lastOffset(connection, tables); // everything past here is not
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = next.get(middle) as [offset: number, createdAt: string] | undefined;
    if (found === undefined || found[0] > high || Date.parse(found[1]) >= time) high = middle;
    else low = found[0];
  }
  return low;
}
