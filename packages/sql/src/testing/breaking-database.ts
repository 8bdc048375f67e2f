import type { SqliteDatabase, SqliteStatement, SqliteValue } from "../sqlite/driver.ts";

/** As `node:sqlite` throws it; `errcode` is SQLite's extended result code. */
export function sqliteError(errcode: number, text: string): Error {
  return Object.assign(new Error(text), { code: "ERR_SQLITE_ERROR", errcode });
}

/** A connection whose statements a test can make fail, as a failing disk would. */
export class BreakingDatabase implements SqliteDatabase {
  readonly #inner: SqliteDatabase;
  #fault: { readonly sql: RegExp; readonly error: Error } | undefined;
  #lateFault: { readonly sql: RegExp; readonly error: Error } | undefined;

  constructor(inner: SqliteDatabase) {
    this.#inner = inner;
  }

  get isTransaction(): boolean {
    return this.#inner.isTransaction === true;
  }

  /** From now on every statement that matches throws. */
  fail(sql: RegExp, error: Error): void {
    this.#fault = { sql, error };
  }

  /** The next statement that matches does its work, and throws all the same. */
  failOnceDone(sql: RegExp, error: Error): void {
    this.#lateFault = { sql, error };
  }

  mend(): void {
    this.#fault = undefined;
  }

  exec(sql: string): unknown {
    this.#check(sql);
    return this.#inner.exec(sql);
  }

  prepare(sql: string): SqliteStatement {
    this.#check(sql);
    const statement = this.#inner.prepare(sql);
    (statement as { setReturnArrays?(on: boolean): void }).setReturnArrays?.(true);
    const checked = <T>(run: (...values: SqliteValue[]) => T) => {
      return (...values: SqliteValue[]): T => {
        this.#check(sql);
        const done = run(...values);
        this.#checkDone(sql);
        return done;
      };
    };
    return {
      run: checked((...values) => statement.run(...values)),
      get: checked((...values) => statement.get(...values)),
      all: checked((...values) => statement.all(...values)),
    };
  }

  close(): unknown {
    return this.#inner.close();
  }

  #checkDone(sql: string): void {
    const fault = this.#lateFault;
    if (fault?.sql.test(sql.trim()) !== true) return;
    this.#lateFault = undefined;
    throw fault.error;
  }

  #check(sql: string): void {
    if (this.#fault?.sql.test(sql.trim()) === true) throw this.#fault.error;
  }
}
