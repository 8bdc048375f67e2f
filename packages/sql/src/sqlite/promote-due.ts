import { wallMs } from "millrace/adapter";
import type { NewRow } from "../dialect.ts";
import type { Connection } from "./connection.ts";
import type { TopicTables } from "./tables.ts";

const BATCH = 200;

/** When the next delayed message is due; `undefined` when there is none. */
export function nextDue(connection: Connection): number | undefined {
  return (connection.statement("SELECT min(due_ms) FROM millrace_delayed").get() as [number | null])[0] ?? undefined;
}

/**
 * Moves what is due into the log, in the order of its times, and answers which topics got something. Run by every process that has
 * the database open; the write transaction makes each message enter exactly once.
 */
export function promoteDue(connection: Connection, tablesOf: (topic: string) => TopicTables): ReadonlySet<string> {
  const touched = new Set<string>();
  const due = connection
    .statement("SELECT id, topic, uuid, payload, CAST(metadata AS TEXT) FROM millrace_delayed WHERE due_ms <= ? ORDER BY due_ms, id LIMIT ?")
    .all(wallMs(), BATCH) as [id: number, topic: string, uuid: string, payload: Uint8Array, metadata: string][];
  const createdAt = new Date(wallMs()).toISOString();
  for (const [id, topic, uuid, payload, metadata] of due) {
    const row: NewRow = { topic, id: uuid, payload, metadata: metadata === "{}" ? undefined : metadata, dueMs: undefined };
    connection.topic(tablesOf(topic)).insert([row], 0, createdAt);
    connection.statement("DELETE FROM millrace_delayed WHERE id = ?").run(id);
    touched.add(topic);
  }
  return touched;
}
