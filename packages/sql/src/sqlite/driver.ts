/** What a column takes. */
export type SqliteValue = string | number | bigint | Uint8Array | null;

/** The part of a prepared statement that is used; `node:sqlite` and `better-sqlite3` both have it. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint };
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
}

/** An open database of `node:sqlite` (`DatabaseSync`) or `better-sqlite3`. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): unknown;
  /** `node:sqlite`. */
  readonly isTransaction?: boolean;
  /** `better-sqlite3`. */
  readonly inTransaction?: boolean;
}

interface NodeStatement extends SqliteStatement {
  setReturnArrays?(on: boolean): void;
  setReadBigInts?(on: boolean): void;
}
interface BetterStatement extends SqliteStatement {
  readonly reader?: boolean;
  raw?(on: boolean): unknown;
  safeIntegers?(on: boolean): unknown;
}

/** Prepares a statement whose rows are arrays of numbers, texts and bytes, whatever the connection's own settings are. */
export function prepare(database: SqliteDatabase, sql: string): SqliteStatement {
  const statement = database.prepare(sql) as NodeStatement & BetterStatement;
  if (statement.setReturnArrays !== undefined) {
    statement.setReturnArrays(true);
    statement.setReadBigInts?.(false);
  } else if (statement.reader === true) {
    statement.raw?.(true);
    statement.safeIntegers?.(false);
  }
  return statement;
}

export function inTransaction(database: SqliteDatabase): boolean | undefined {
  return database.isTransaction ?? database.inTransaction;
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string, options?: { readonly timeout?: number }) => SqliteDatabase;
}

/** Opens a file with the built-in module, which is looked up only now: importing this package needs no SQLite. */
export function openDatabase(path: string): SqliteDatabase {
  const module = (process as { getBuiltinModule?(name: string): unknown }).getBuiltinModule?.("node:sqlite") as NodeSqlite | undefined;
  if (module === undefined)
    throw new Error("this runtime has no node:sqlite: use Node 22.22 or newer, or give sqlite({ database }) an open better-sqlite3 database");
  return new module.DatabaseSync(path, { timeout: 0 });
}
