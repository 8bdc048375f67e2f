import type { Connection } from "./connection.ts";

/** Remembers the number of a message's next attempt; 0 forgets it. */
export function saveAttempts(connection: Connection, groupId: number, attempts: ReadonlyMap<number, number>): void {
  for (const [offset, attempt] of attempts) {
    if (attempt === 0) connection.statement("DELETE FROM millrace_attempts WHERE group_id = ? AND message_offset = ?").run(groupId, offset);
    else connection.statement("INSERT OR REPLACE INTO millrace_attempts (group_id, message_offset, attempt) VALUES (?, ?, ?)").run(groupId, offset, attempt);
  }
}

/** What is remembered of the messages from one offset to another; `undefined` for nothing. */
export function loadAttempts(connection: Connection, groupId: number, from: number, to: number): ReadonlyMap<number, number> | undefined {
  const kept = connection
    .statement("SELECT message_offset, attempt FROM millrace_attempts WHERE group_id = ? AND message_offset BETWEEN ? AND ?")
    .all(groupId, from, to) as [number, number][];
  return kept.length === 0 ? undefined : new Map(kept);
}
