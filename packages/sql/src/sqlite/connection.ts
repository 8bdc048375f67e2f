import { MillraceError } from "millrace";
import { inTransaction, openDatabase, prepare, type SqliteDatabase, type SqliteStatement } from "./driver.ts";
import type { TopicTables } from "./tables.ts";
import { TopicStatements } from "./topic-statements.ts";

export interface ConnectionRules {
  readonly synchronous: "full" | "normal" | "extra" | "off";
}

/** One open database with its prepared statements. Everything on it is synchronous: no transaction ever spans a turn of the event loop. */
export class Connection {
  readonly database: SqliteDatabase;
  /** Opened by ourselves: nobody else works on it. */
  readonly owned: boolean;
  readonly #statements: Map<string, SqliteStatement> = new Map();
  readonly #topics: Map<string, TopicStatements> = new Map();
  /** What the caller's connection waits for locks; taken away while we are at work, because it would block the event loop. */
  readonly #busyTimeoutMs: number;
  /** The last failure came from COMMIT itself. */
  failedAtCommit = false;

  constructor(database: SqliteDatabase, owned: boolean) {
    this.database = database;
    this.owned = owned;
    this.#busyTimeoutMs = owned ? 0 : Number((this.statement("PRAGMA busy_timeout").get() as [number] | undefined)?.[0] ?? 0);
  }

  /** Opens a file for ourselves: write-ahead log, the given durability, no busy timeout. */
  static open(path: string, rules: ConnectionRules): Connection {
    const database = openDatabase(path);
    try {
      database.exec(`PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${rules.synchronous};`);
      return new Connection(database, true);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  statement(sql: string): SqliteStatement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = prepare(this.database, sql)));
    return statement;
  }

  /** Throws "no such table" when the topic's tables are missing. */
  topic(tables: TopicTables): TopicStatements {
    let statements = this.#topics.get(tables.messages);
    if (statements === undefined) this.#topics.set(tables.messages, (statements = new TopicStatements(this, tables)));
    return statements;
  }

  /** The caller has a transaction of its own open: nothing of ours may run on this connection now. */
  get taken(): boolean {
    return !this.owned && inTransaction(this.database) === true;
  }

  /** Runs `work` between BEGIN IMMEDIATE and COMMIT. Throws the driver's own errors, with everything rolled back. */
  transaction<T>(work: (connection: this) => T): T {
    if (this.taken) throw new MillraceError("the caller's own transaction is open on this connection", { code: "DATABASE_BUSY", retryable: true });
    this.failedAtCommit = false;
    if (this.#busyTimeoutMs > 0) this.database.exec("PRAGMA busy_timeout = 0");
    let begun = false;
    try {
      this.statement("BEGIN IMMEDIATE").run();
      begun = true;
      const result = work(this);
      this.failedAtCommit = true;
      this.statement("COMMIT").run();
      this.failedAtCommit = false;
      return result;
    } catch (error) {
      if (begun) this.#rollBack();
      throw error;
    } finally {
      if (this.#busyTimeoutMs > 0) this.database.exec(`PRAGMA busy_timeout = ${this.#busyTimeoutMs}`);
    }
  }

  /** Runs `work`, which only reads, on one state of the database. */
  snapshot<T>(work: (connection: this) => T): T {
    if (this.taken) throw new MillraceError("the caller's own transaction is open on this connection", { code: "DATABASE_BUSY", retryable: true });
    this.statement("BEGIN").run();
    try {
      return work(this);
    } finally {
      this.#rollBack();
    }
  }

  #rollBack(): void {
    try {
      if (inTransaction(this.database) !== false) this.statement("ROLLBACK").run();
    } catch {
      // SQLite rolls back by itself on some errors (full disk, I/O); the error that led here is the one to tell.
    }
  }

  close(): void {
    this.#statements.clear();
    this.#topics.clear();
    if (!this.owned) return;
    try {
      this.database.close();
    } catch {
      // Closing is all that can still be done with it.
    }
  }
}
