import type { DatabaseSync } from "node:sqlite";
import { untilFree } from "./busy.ts";

/**
 * Runs `work` in one write transaction: all of it is committed, or, when it throws, none.
 *
 * `work` is synchronous, so nothing else of this process can slip into the transaction; other processes wait at
 * BEGIN IMMEDIATE, so what `work` reads cannot change under it.
 */
export function write<T>(database: DatabaseSync, work: () => T): Promise<T> {
  return untilFree(() => transaction(database, "BEGIN IMMEDIATE", work));
}

/** Runs `work` on one snapshot, whatever other processes write meanwhile. */
export function read<T>(database: DatabaseSync, work: () => T): Promise<T> {
  return untilFree(() => transaction(database, "BEGIN", work));
}

function transaction<T>(database: DatabaseSync, begin: string, work: () => T): T {
  database.exec(begin);
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // SQLite has rolled back by itself after some errors (a full disk, for one).
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
