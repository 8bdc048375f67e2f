import { createRequire } from "node:module";
import type { SqliteDatabase } from "../sqlite/driver.ts";

/** Opens a file with better-sqlite3 (which brings no types), in the write-ahead mode that several processes need. */
export function openBetterSqlite3(path: string): SqliteDatabase {
  const Database = createRequire(import.meta.url)("better-sqlite3") as new (path: string) => SqliteDatabase;
  const database = new Database(path);
  database.exec("PRAGMA journal_mode = WAL");
  return database;
}
