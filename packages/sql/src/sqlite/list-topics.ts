import type { Connection } from "./connection.ts";
import { apart, isTableName, MESSAGES_PREFIX, OFFSETS_PREFIX, topicTables } from "./tables.ts";

/** The columns of a topic's table: what has them all is one. */
const COLUMNS = "'offset', 'uuid', 'created_at', 'payload', 'metadata'";

/** The topics that have tables under Watermill's names. */
export function listTopics(connection: Connection): readonly string[] {
  const tables = connection
    .statement(
      `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND (SELECT count(*) FROM pragma_table_info(sqlite_schema.name) AS c WHERE c.name IN (${COLUMNS})) = 5 ORDER BY name`,
    )
    .all() as [string][];
  const names = tables.map(([name]) => name).filter((name) => name.startsWith(MESSAGES_PREFIX) && !name.startsWith(OFFSETS_PREFIX) && isTableName(name));
  return names.map((name) => topicOf(connection, name));
}

/** Where the table's name carries a suffix because another topic differs only in case, the topic is without it. */
function topicOf(connection: Connection, table: string): string {
  const topic = table.slice(MESSAGES_PREFIX.length);
  const bare = /^(.+)\$[0-9a-f]+$/.exec(topic)?.[1];
  return bare !== undefined && apart(connection, topicTables(bare, {})).names[0] === table ? bare : topic;
}
