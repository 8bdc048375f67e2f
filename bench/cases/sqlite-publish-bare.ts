import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import type { Case } from "../harness/case.ts";
import { DatabaseFile } from "./database-file.ts";
import { PRAGMAS, type PublishSettings } from "./sqlite-settings.ts";
import { Stopwatch } from "./stopwatch.ts";

/** The driver alone: the same columns, one transaction a batch, an id and a time for every message. */
export const run: Case<PublishSettings> = async (settings) => {
  const file = new DatabaseFile();
  const database = new DatabaseSync(file.path);
  try {
    database.exec(PRAGMAS);
    insert(database, "warm_up", { ...settings, count: Math.ceil(settings.count / 4) });
    const watch = new Stopwatch();
    insert(database, "topic", settings);
    return watch.figures(settings.count);
  } finally {
    database.close();
    file.remove();
  }
};

function insert(database: DatabaseSync, table: string, { count, batch, bytes }: PublishSettings): void {
  database.exec(
    `CREATE TABLE ${table} ('offset' INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, created_at TEXT NOT NULL, payload BLOB, metadata JSON NOT NULL)`,
  );
  const [begin, commit] = [database.prepare("BEGIN IMMEDIATE"), database.prepare("COMMIT")];
  const row = database.prepare(`INSERT INTO ${table} (uuid, created_at, payload, metadata) VALUES (?, ?, ?, x'7b7d')`);
  const payload = new Uint8Array(bytes);
  for (let sent = 0; sent < count; sent += batch) {
    const createdAt = new Date().toISOString();
    begin.run();
    for (let each = 0; each < batch; each++) row.run(randomUUID(), createdAt, payload);
    commit.run();
  }
}
