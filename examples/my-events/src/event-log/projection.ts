import type { DatabaseSync } from "node:sqlite";
import type { LogRecord } from "./event-log.ts";

/**
 * State made from the log alone: tables, and how each record changes them.
 *
 * `apply` is a pure fold: it looks at the tables and the record and at nothing else (no clock, no chance), because the same
 * code serves what happens now, a rebuild, and the state as of an earlier moment.
 */
export interface Projection {
  /** SQL that makes the tables where they are missing. */
  readonly tables: string;
  readonly tableNames: readonly string[];
  apply(database: DatabaseSync, record: LogRecord): void;
}
