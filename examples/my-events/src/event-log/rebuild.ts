import type { DatabaseSync } from "node:sqlite";
import { write } from "../database/transaction.ts";
import { EventLog } from "./event-log.ts";
import type { Projection } from "./projection.ts";

const PAGE = 1000;

export interface Rebuilt {
  readonly records: number;
  /** Whether the tables hold what they held before. */
  readonly same: boolean;
}

/**
 * Makes a projection's tables again from the log, in one transaction: readers see the old state until the new one is whole,
 * and the service may run meanwhile (its writes wait).
 */
export function rebuild(database: DatabaseSync, projection: Projection): Promise<Rebuilt> {
  const log = new EventLog(database);
  return write(database, () => {
    const before = contents(database, projection);
    for (const table of projection.tableNames) database.exec(`DELETE FROM ${table}`);
    let records = 0;
    for (let after = 0, page = log.page(after, PAGE); page.length > 0; page = log.page(after, PAGE)) {
      for (const record of page) {
        projection.apply(database, record);
        after = record.position;
      }
      records += page.length;
    }
    return { records, same: contents(database, projection) === before };
  });
}

/** Every row of a projection as text, in an order of its own: equal texts are equal states. */
export function contents(database: DatabaseSync, projection: Projection): string {
  const tables = projection.tableNames.map((table) => [
    table,
    database
      .prepare(`SELECT * FROM ${table}`)
      .all()
      .map((row) => JSON.stringify(row))
      .sort(),
  ]);
  return JSON.stringify(tables);
}
