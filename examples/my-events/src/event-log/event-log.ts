import type { DatabaseSync } from "node:sqlite";
import { statement } from "../database/statement.ts";

export interface LogEntry {
  /** The id of the message that told of it: unique, so that a message which comes twice is known. */
  readonly id: string;
  readonly name: string;
  /** When it happened, as its producer says, in milliseconds since the epoch. */
  readonly occurredAtMs: number;
  readonly data: unknown;
}

export interface LogRecord extends LogEntry {
  /** The place in this log, from 1. */
  readonly position: number;
}

export const LOG_TABLES = `
  CREATE TABLE IF NOT EXISTS event_log (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER IF NOT EXISTS event_log_keeps BEFORE UPDATE ON event_log BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
  CREATE TRIGGER IF NOT EXISTS event_log_holds BEFORE DELETE ON event_log BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END`;

/**
 * The append-only log of everything a service did and heard: the truth from which its state can be made again.
 * It only ever runs inside the caller's transaction.
 */
export class EventLog {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** The new record, or `undefined` when an entry with this id is there already. */
  append(entry: LogEntry): LogRecord | undefined {
    const { changes, lastInsertRowid } = statement(
      this.#database,
      "INSERT INTO event_log (id, name, occurred_at, data) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    ).run(entry.id, entry.name, entry.occurredAtMs, JSON.stringify(entry.data));
    return changes === 0 ? undefined : { ...entry, position: Number(lastInsertRowid) };
  }

  has(id: string): boolean {
    return statement(this.#database, "SELECT 1 FROM event_log WHERE id = ?").get(id) !== undefined;
  }

  /** The position of the newest record, 0 when there is none. */
  end(): number {
    return Number(statement(this.#database, "SELECT coalesce(max(position), 0) AS position FROM event_log").get()?.position);
  }

  /** Up to `limit` records after `position`, in order, of what had happened by `atMs` (inclusive). */
  page(after: number, limit: number, atMs: number = Number.MAX_SAFE_INTEGER): LogRecord[] {
    const rows = statement(
      this.#database,
      "SELECT position, id, name, occurred_at, data FROM event_log WHERE position > ? AND occurred_at <= ? ORDER BY position LIMIT ?",
    ).all(after, atMs, limit);
    return rows.map((row) => ({
      position: Number(row.position),
      id: String(row.id),
      name: String(row.name),
      occurredAtMs: Number(row.occurred_at),
      data: JSON.parse(String(row.data)) as unknown,
    }));
  }
}
