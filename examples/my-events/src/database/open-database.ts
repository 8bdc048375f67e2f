import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Complaint } from "../complaint.ts";
import { untilFree } from "./busy.ts";
import { write } from "./transaction.ts";

/**
 * Opens a service's own database, and makes the tables that are missing. Throws a `Complaint` when that cannot be done.
 *
 * WAL lets readers go on beside a writer; `synchronous=FULL` means that a commit is on the disk before a client hears of it.
 */
export async function openDatabase(path: string, tables: string): Promise<DatabaseSync> {
  let database: DatabaseSync | undefined;
  try {
    if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
    const opened = (database = new DatabaseSync(path, { timeout: 0 }));
    await untilFree(() => opened.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
    await write(opened, () => opened.exec(tables));
    return opened;
  } catch (error) {
    database?.close();
    throw new Complaint(`cannot open the database ${path}: ${(error as Error).message}`, { cause: error });
  }
}
