import { wallMs } from "millrace/adapter";
import type { PurgeRule } from "../dialect.ts";
import type { Connection } from "./connection.ts";
import { beforeTime, lastOffset } from "./locate.ts";
import type { TopicTables } from "./tables.ts";

/** Deletes the oldest messages that the rule names, at most `limit`; never what a group still needs, unless asked. */
export function purge(connection: Connection, tables: TopicTables, rule: PurgeRule, limit: number): number {
  const [needed, groups] = connection.statement(`SELECT min(offset_acked), count(*) FROM ${tables.offsets}`).get() as [number | null, number];
  // A group that stands behind the end, because its numbers began anew and it has not noticed yet, or on purpose, has consumed nothing of this.
  const begunAnew = (needed ?? 0) > lastOffset(connection, tables);
  const marks: number[] = [];
  if (rule.consumed === true && groups > 0 && !begunAnew) marks.push(needed ?? 0);
  if (rule.maxAgeMs !== undefined) marks.push(beforeTime(connection, tables, wallMs() - rule.maxAgeMs));
  if (rule.maxMessages !== undefined) marks.push(beforeNewest(connection, tables, rule.maxMessages));
  if (marks.length === 0) return 0;
  let upto = Math.max(...marks);
  if (rule.includeUnread !== true && needed !== null) upto = Math.min(upto, begunAnew ? 0 : needed);
  const { changes } = connection
    .statement(`DELETE FROM ${tables.messages} WHERE offset IN (SELECT offset FROM ${tables.messages} WHERE offset <= ? ORDER BY offset LIMIT ?)`)
    .run(upto, limit);
  return Number(changes);
}

/** The last offset that is not among the newest `count`. Holes make it keep fewer only where rows were deleted by hand. */
function beforeNewest(connection: Connection, tables: TopicTables, count: number): number {
  return Math.max(0, lastOffset(connection, tables) - count);
}
