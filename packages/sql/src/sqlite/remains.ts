import { wallMs } from "millrace/adapter";
import type { GroupRef } from "../exchange.ts";
import type { Connection } from "./connection.ts";
import { lastOffset } from "./locate.ts";
import type { TopicTables } from "./tables.ts";

/** Whether anything is left that a member of the group, or a reading that is at `after`, could fetch now. */
export function remains(connection: Connection, tables: TopicTables, group: GroupRef | undefined, after: number): boolean {
  if (connection.statement(`SELECT 1 FROM ${tables.messages} WHERE offset > ? LIMIT 1`).get(after) !== undefined)
    return group !== undefined || after < lastOffset(connection, tables);
  if (group === undefined) return false;
  const free = connection
    .statement(
      "SELECT 1 FROM millrace_claims JOIN millrace_groups ON millrace_groups.id = group_id WHERE topic = ? AND consumer_group = ? AND settled_to < upto_offset AND (owner IS NULL OR lease_until < ?)",
    )
    .get(group.topic, group.name, wallMs());
  return free !== undefined;
}
