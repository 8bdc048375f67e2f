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
  /** `node:sqlite`. */
  readonly isOpen?: boolean;
  /** Whether it is, in `better-sqlite3`; what opens it, in `node:sqlite`. */
  readonly open?: unknown;
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

/** Undefined where the connection does not tell. */
export function isOpen(database: SqliteDatabase): boolean | undefined {
  return database.isOpen ?? (typeof database.open === "boolean" ? database.open : undefined);
}

/** The file behind a connection, as SQLite names it; empty for a database in memory. */
export function fileOf(database: SqliteDatabase): string {
  const files = prepare(database, "PRAGMA database_list").all() as [number, string, string | null][];
  return files.find(([, name]) => name === "main")?.[2] ?? "";
}

/** Whether two names, paths or SQLite's `file:` addresses, are those of one file that is there. */
export function isSameFile(one: string, other: string): boolean {
  const [first, second] = [fileIdentity(one), fileIdentity(other)];
  return first !== undefined && first === second;
}

interface NodeFiles {
  statSync(path: string, options: { readonly bigint: true; readonly throwIfNoEntry: false }): { readonly dev: bigint; readonly ino: bigint } | undefined;
}

function fileIdentity(name: string): string | undefined {
  const path = name.startsWith("file:") ? decodeURIComponent(name.replace(/^file:(\/\/(localhost)?(?=\/))?/, "").replace(/[?#].*$/, "")) : name;
  const files = builtin<NodeFiles>("node:fs");
  const found = path === "" ? undefined : files?.statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

function builtin<Module>(name: string): Module | undefined {
  return (process as { getBuiltinModule?(name: string): unknown }).getBuiltinModule?.(name) as Module | undefined;
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string, options?: { readonly timeout?: number }) => SqliteDatabase;
}

/** Opens a file with the built-in module, which is looked up only now: importing this package needs no SQLite. */
export function openDatabase(path: string): SqliteDatabase {
  const module = builtin<NodeSqlite>("node:sqlite");
  if (module === undefined)
    throw new Error("this runtime has no node:sqlite: use Node 22.22 or newer, or give sqlite({ database }) an open better-sqlite3 database");
  return new module.DatabaseSync(path, { timeout: 0 });
}
