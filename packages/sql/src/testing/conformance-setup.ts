import { fileURLToPath } from "node:url";
import type { ConformanceSetup } from "millrace/conformance";
import { afterAll } from "vitest";
import { capabilities } from "../capabilities.ts";
import { SqlPubSub } from "../pub-sub.ts";
import { openDatabase, type SqliteDatabase } from "../sqlite/driver.ts";
import { sqlite } from "../sqlite/sqlite.ts";
import { openBetterSqlite3 } from "./open-better-sqlite3.ts";
import { temporaryFile } from "./temporary-file.ts";

/** Twenty scenarios at once share the machine: a process that gets no processor for the length of its lease loses it, and should. */
const SHORT_LEASE_MS = process.env.MILLRACE_STRESS === undefined ? 600 : 3000;

/** A pub/sub that closes the connection it was given, as its user would. */
class OwningPubSub extends SqlPubSub {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase, leaseMs: number | undefined) {
    super({ dialect: sqlite({ database }), leaseMs });
    this.#database = database;
  }

  override async close(): Promise<void> {
    await super.close();
    this.#database.close();
  }
}

/** Longer than anybody waits. */
const LONG_LEASE_MS = 120_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function begin(database: SqliteDatabase): Promise<void> {
  database.exec("PRAGMA busy_timeout = 0");
  for (;;) {
    try {
      database.exec("BEGIN IMMEDIATE");
      return;
    } catch {
      await pause(1); // another process is writing
    }
  }
}

/** The adapter on a file of its own, with one of the two libraries. */
export function conformanceSetup(driver: "node:sqlite" | "better-sqlite3"): ConformanceSetup {
  const file = temporaryFile();
  afterAll(file.remove);
  // Never both libraries on one file in one process: closing a file in one of them gives up the locks of the other.
  const open = (): SqliteDatabase => (driver === "node:sqlite" ? openDatabase(file.path) : openBetterSqlite3(file.path));
  const create = (leaseMs?: number): SqlPubSub =>
    driver === "node:sqlite" ? new SqlPubSub({ dialect: sqlite({ path: file.path }), leaseMs }) : new OwningPubSub(open(), leaseMs);
  return {
    name: `@millrace/sql on ${driver}`,
    capabilities,
    create: () => create(LONG_LEASE_MS),
    admin: ["topics", "groups", "lag", "seek", "deleteGroup"],
    lease: { leaseMs: SHORT_LEASE_MS, create: () => create(SHORT_LEASE_MS) },
    limits: { oddTopicNames: ["a.b.c", "with-dash", "MixedCase", "colon:and$dollar", "_under", "7", "x".repeat(200)] },
    publishInTransaction: async (topic, messages, end) => {
      const database = open();
      const pubsub = create();
      try {
        database.exec("BEGIN IMMEDIATE");
        pubsub.within(database).publishSync(topic, messages);
        database.exec(end);
      } finally {
        database.close();
        await pubsub.close();
      }
    },
    faults: {
      disturb: async () => {
        const database = open();
        try {
          await begin(database);
          await pause(50 + Math.random() * 200);
          database.exec("ROLLBACK");
        } finally {
          database.close();
        }
        await pause(Math.random() * 40);
      },
      refusePublishing: async (topic) => {
        const database = open();
        try {
          await begin(database);
          database.exec(`CREATE TRIGGER "refuse ${topic}" BEFORE INSERT ON "watermill_${topic}" BEGIN SELECT RAISE(ABORT, 'this table takes nothing'); END`);
          database.exec("COMMIT");
        } finally {
          database.close();
        }
      },
      putUndecodable: async (topic) => {
        const database = open();
        try {
          database
            .prepare(`INSERT INTO "watermill_${topic}" (uuid, created_at, payload, metadata) VALUES ('bad', '2030-01-02T03:04:05Z', x'00ff', 'nonsense')`)
            .run();
        } finally {
          database.close();
        }
      },
      worker: {
        module: fileURLToPath(new URL("./conformance-worker.ts", import.meta.url)),
        execArgv: ["--conditions=millrace:source"],
        env: { SQLITE_FILE: file.path, SQLITE_DRIVER: driver, SQLITE_LEASE_MS: String(SHORT_LEASE_MS) },
      },
    },
  };
}
