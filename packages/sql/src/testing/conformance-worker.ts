import { serveWorker } from "millrace/conformance";
import { SqlPubSub } from "../pub-sub.ts";
import { sqlite } from "../sqlite/sqlite.ts";
import { openBetterSqlite3 } from "./open-better-sqlite3.ts";

const { SQLITE_FILE: path = "", SQLITE_DRIVER: driver, SQLITE_LEASE_MS: lease } = process.env;

await serveWorker((task) => {
  const dialect = sqlite(driver === "better-sqlite3" ? { database: openBetterSqlite3(path) } : { path });
  return new SqlPubSub({ dialect, leaseMs: task.shortLease === true ? Number(lease) : undefined });
});
