import { OptionCheck } from "millrace/adapter";
import { capabilities, capabilitiesInMemory } from "../capabilities.ts";
import type { Dialect } from "../dialect.ts";
import { Connection } from "./connection.ts";
import type { SqliteDatabase } from "./driver.ts";
import { SqliteLog } from "./sqlite-log.ts";
import type { TableNames } from "./tables.ts";
import { Within } from "./within.ts";

export interface SqliteOptions {
  /** A file that this package opens, lazily and with `node:sqlite`, and closes. `":memory:"` lives as long as it is open. */
  readonly path?: string | undefined;
  /** Your own open database (`node:sqlite` or `better-sqlite3`), which stays yours: its settings are kept, and you close it. */
  readonly database?: SqliteDatabase | undefined;
  /** What a commit waits for, with `path`. Default `"full"`: a confirmed message survives a power cut. `"normal"`: a crash of the process only. */
  readonly synchronous?: "full" | "normal" | "extra" | "off" | undefined;
  readonly tables?: TableNames | undefined;
  /** Makes missing tables, refuses topics without, or does not look. Default `"create"`. */
  readonly provision?: "create" | "verify" | "off" | undefined;
  /** How often to look for what other processes wrote. Default 40 ms. */
  readonly pollMs?: number | undefined;
}

export const SQLITE_DEFAULTS: {
  readonly synchronous: "full" | "normal" | "extra" | "off";
  readonly provision: "create" | "verify" | "off";
  readonly pollMs: number;
} = Object.freeze({
  synchronous: "full",
  provision: "create",
  pollMs: 40,
});

const IN_MEMORY = /^(:memory:$|file::memory:|file:.*[?&]mode=memory)/;

/**
 * The SQLite dialect: one file, any number of processes, no server. Does no I/O until somebody publishes or subscribes.
 *
 * With `path` it opens one connection of its own (write-ahead log, `synchronous=FULL`, no busy timeout) when first needed and
 * closes it with the last publisher or subscriber that uses it. With `database` it works on your connection between your own
 * transactions: while one of yours is open, it waits.
 */
export function sqlite(options: SqliteOptions): Dialect {
  const check = new OptionCheck("sqlite").known(options, { path: true, database: true, synchronous: true, tables: true, provision: true, pollMs: true });
  const { path, database } = options;
  const settings = { ...SQLITE_DEFAULTS, ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) } as SqliteOptions &
    typeof SQLITE_DEFAULTS;
  check
    .known(options.tables, { messages: true, offsets: true }, "tables")
    .call("tables.messages", options.tables?.messages)
    .call("tables.offsets", options.tables?.offsets)
    .that((path === undefined) !== (database === undefined), "give either path or database")
    .text("path", path)
    .methods("database", database, ["exec", "prepare", "close"])
    .oneOf("synchronous", options.synchronous, ["full", "normal", "extra", "off"])
    .oneOf("provision", options.provision, ["create", "verify", "off"])
    .duration("pollMs", options.pollMs, { min: 1 })
    .done();
  const tables = options.tables ?? {};
  let log: SqliteLog | undefined;
  const within = new Within({ path, database, tables });
  return {
    name: "sqlite",
    capabilities: path !== undefined && IN_MEMORY.test(path) ? capabilitiesInMemory : capabilities,
    attach: () => {
      log ??= new SqliteLog({
        where: path ?? "database",
        open: () => (database === undefined ? Connection.open(path ?? "", settings) : new Connection(database, false)),
        tables,
        provision: settings.provision,
        pollMs: settings.pollMs,
        onDetached: () => {
          log = undefined;
        },
      });
      return log.attach();
    },
    appendWithin: (connection, rows) => within.append(connection, rows),
  };
}
