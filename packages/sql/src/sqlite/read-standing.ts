import type { GroupRef, Standing } from "../exchange.ts";
import { loadClaims } from "./claim-row.ts";
import type { Connection } from "./connection.ts";
import { standingOf } from "./standing.ts";
import type { TopicTables } from "./tables.ts";

/** How far a group has come, but for what `owner` holds. */
export function readStanding(connection: Connection, tables: TopicTables, group: GroupRef, owner: string): Standing {
  const topic = connection.topic(tables);
  const [acked] = (topic.position.get(group.name) as [number] | undefined) ?? [0];
  const own = connection.statement("SELECT id FROM millrace_groups WHERE topic = ? AND consumer_group = ?").get(group.topic, group.name) as
    | [number]
    | undefined;
  return standingOf(topic, acked, own === undefined ? [] : loadClaims(connection, own[0]), owner);
}
