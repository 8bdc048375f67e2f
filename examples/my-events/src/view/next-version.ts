import type { DatabaseSync } from "node:sqlite";
import { statement } from "../database/statement.ts";

type Table = "locations" | "events" | "bookings";

/** The next place in a table's order of creation. Read it inside the transaction that uses it. */
export function nextSequence(database: DatabaseSync, table: Table): number {
  return Number(statement(database, `SELECT coalesce(max(sequence), 0) + 1 AS next FROM ${table}`).get()?.next);
}

/** What the next message about a thing carries. Read it inside the transaction that uses it. */
export function nextVersion(database: DatabaseSync, table: "locations" | "events", id: string): { readonly version: number; readonly sequence: number } {
  const row = statement(database, `SELECT version, sequence FROM ${table} WHERE id = ?`).get(id);
  return row === undefined ? { version: 1, sequence: nextSequence(database, table) } : { version: Number(row.version) + 1, sequence: Number(row.sequence) };
}
