import { silentLogger } from "millrace";
import { afterEach, beforeEach } from "vitest";
import { SqlPubSub } from "../pub-sub.ts";
import { openDatabase, type SqliteDatabase } from "../sqlite/driver.ts";
import { sqlite } from "../sqlite/sqlite.ts";
import { openBetterSqlite3 } from "./open-better-sqlite3.ts";
import { temporaryFile } from "./temporary-file.ts";

/** A database file of each test's own, and what the test opens on it: closed, last first, and removed at its end. */
export class TestDatabase {
  path = "";
  #closing: (() => unknown)[] = [];

  readonly #broken: boolean;

  /** `broken`: the test leaves databases behind on which closing may fail. */
  constructor({ broken = false }: { readonly broken?: boolean } = {}) {
    this.#broken = broken;
    let remove = (): void => {};
    beforeEach(() => {
      ({ path: this.path, remove } = temporaryFile());
      this.#closing = [];
    });
    afterEach(async () => {
      for (const close of this.#closing.reverse()) await close();
      remove();
    });
  }

  onEnd(close: () => unknown): void {
    this.#closing.push(close);
  }

  open(options: Partial<ConstructorParameters<typeof SqlPubSub>[0]> = {}): SqlPubSub {
    const pubsub = new SqlPubSub({ dialect: sqlite({ path: this.path }), logger: silentLogger, ...options });
    this.onEnd(() => (this.#broken ? pubsub.close().catch(() => {}) : pubsub.close()));
    return pubsub;
  }

  connect(driver: "node:sqlite" | "better-sqlite3" = "node:sqlite"): SqliteDatabase {
    const database = driver === "node:sqlite" ? openDatabase(this.path) : openBetterSqlite3(this.path);
    database.exec("PRAGMA journal_mode = WAL");
    this.onEnd(() => database.close());
    return database;
  }
}
