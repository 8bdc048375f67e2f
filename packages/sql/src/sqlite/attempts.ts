import type { Kept } from "../exchange.ts";
import type { Connection } from "./connection.ts";

/** Remembers the number of a message's next attempt and when it is due; 0 forgets it. */
export function saveAttempts(connection: Connection, groupId: number, attempts: ReadonlyMap<number, Kept>): void {
  for (const [offset, { attempt, dueMs }] of attempts) {
    if (attempt === 0) connection.statement("DELETE FROM millrace_attempts WHERE group_id = ? AND message_offset = ?").run(groupId, offset);
    else
      connection
        .statement("INSERT OR REPLACE INTO millrace_attempts (group_id, message_offset, attempt, due_ms) VALUES (?, ?, ?, ?)")
        .run(groupId, offset, attempt, dueMs);
  }
}

/** What is remembered of the messages from one offset to another; `undefined` for nothing. */
export function loadAttempts(connection: Connection, groupId: number, from: number, to: number): ReadonlyMap<number, Kept> | undefined {
  const kept = connection
    .statement("SELECT message_offset, attempt, due_ms FROM millrace_attempts WHERE group_id = ? AND message_offset BETWEEN ? AND ?")
    .all(groupId, from, to) as [number, number, number][];
  return kept.length === 0 ? undefined : new Map(kept.map(([offset, attempt, dueMs]) => [offset, { attempt, dueMs }]));
}
