import { type MaybePromise, MillraceError } from "millrace";
import { laterTurn } from "millrace/adapter";
import type { Connection } from "./connection.ts";
import { type Promoted, promoteDue } from "./promote-due.ts";
import { apart, type TableNames, tableExists, topicTables } from "./tables.ts";

export interface PromotionRules {
  readonly tables: TableNames;
  write<T>(work: (connection: Connection) => T): MaybePromise<T>;
  /** The topic's tables may be gone: makes them anew where they may be made. */
  makeAnew(connection: Connection, topic: string): void;
  /** Somebody uses the log. */
  inUse(): boolean;
  /** These topics got something. */
  onPromoted(topics: ReadonlySet<string>, missing: ReadonlySet<string>): void;
}

/** Lets delayed messages into the log whose time has come, one batch at a time. */
export class Promotion {
  readonly #rules: PromotionRules;
  #running = false;

  constructor(rules: PromotionRules) {
    this.#rules = rules;
  }

  /** All that is due, but what belongs into `missing` tables. */
  start(missing: ReadonlySet<string>): void {
    if (this.#running || !this.#rules.inUse()) return;
    this.#running = true;
    const finish = (promoted: Promoted): void => {
      this.#running = false;
      this.#rules.onPromoted(promoted.topics, promoted.missing);
      if (promoted.more) laterTurn(() => this.start(promoted.missing));
    };
    const fail = (): void => {
      this.#running = false; // the next look tries again, and tells who waits when the database is in trouble
    };
    try {
      const done = this.#rules.write((connection) => promoteDue(connection, missing, (topic, table) => this.#logTable(connection, topic, table)));
      if (done instanceof Promise) done.then(finish, fail);
      else finish(done);
    } catch {
      fail();
    }
  }

  /** The table of a delayed message: the one that its publisher named, else the topic's. */
  #logTable(connection: Connection, topic: string, table: string | undefined): string | undefined {
    if (table !== undefined && tableExists(connection, table)) return table;
    try {
      const [own] = apart(connection, topicTables(topic, this.#rules.tables)).names;
      if (table !== undefined && table !== own) return undefined;
      this.#rules.makeAnew(connection, topic);
      return tableExists(connection, own) ? own : undefined;
    } catch (error) {
      if (MillraceError.is(error)) return undefined; // it may not be made here, or its name is none that we could give
      throw error;
    }
  }
}
