import type { DatabaseSync } from "node:sqlite";
import type { Journal } from "./journal.ts";

/** What the routes of a service work with. */
export interface Context {
  readonly database: DatabaseSync;
  readonly journal: Journal;
  /** Milliseconds since the epoch. */
  now(): number;
}
