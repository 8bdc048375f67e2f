import type { DatabaseSync, StatementSync } from "node:sqlite";

const prepared = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

/** A statement prepared once for each database: preparing costs more than running most of ours. */
export function statement(database: DatabaseSync, sql: string): StatementSync {
  let statements = prepared.get(database);
  if (statements === undefined) prepared.set(database, (statements = new Map()));
  let found = statements.get(sql);
  if (found === undefined) statements.set(sql, (found = database.prepare(sql)));
  return found;
}
