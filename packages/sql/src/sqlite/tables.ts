import { OptionError } from "millrace";
import type { Connection } from "./connection.ts";

export interface TableNames {
  /** The table of a topic's messages. Default: `watermill_` and the topic, as Watermill has it. */
  readonly messages?: ((topic: string) => string) | undefined;
  /** The table of a topic's groups. Default: `watermill_offsets_` and the topic. */
  readonly offsets?: ((topic: string) => string) | undefined;
}

/** A topic's tables, quoted, and what is needed to make them. */
export interface TopicTables {
  readonly topic: string;
  readonly messages: string;
  readonly offsets: string;
  /** Names without quotes. */
  readonly names: readonly [messages: string, offsets: string];
}

export const MESSAGES_PREFIX = "watermill_";
export const OFFSETS_PREFIX = "watermill_offsets_";

// Watermill's own rule: readers written in Go refuse every other name.
const REFUSED = /[^A-Za-z0-9\-$:._]/;

/** False for a table that no reader could share. */
export function isTableName(name: string): boolean {
  return !REFUSED.test(name);
}

/** Throws `OptionError` `BAD_TOPIC` for a topic whose tables no reader could share. */
export function topicTables(topic: string, given: TableNames): TopicTables {
  const names = [(given.messages ?? ((name) => MESSAGES_PREFIX + name))(topic), (given.offsets ?? ((name) => OFFSETS_PREFIX + name))(topic)] as const;
  const problems: string[] = [];
  const bad = names.find((name) => !isTableName(name));
  if (bad !== undefined) problems.push(`topic ${JSON.stringify(topic)} needs a table ${JSON.stringify(bad)}: letters, digits and - $ : . _ are allowed`);
  // "offsets_x" would share its table with the offsets of "x".
  if (given.messages === undefined && /^offsets_/i.test(topic))
    problems.push(`topic ${JSON.stringify(topic)} must not begin with "offsets_": that is where the positions of groups are kept`);
  if (problems.length > 0) throw new OptionError("topic", problems, { code: "BAD_TOPIC" });
  return { topic, messages: `"${names[0]}"`, offsets: `"${names[1]}"`, names };
}

/** Watermill's tables, to the letter: what its own readers and writers find is what they would have made. */
export function topicDdl({ names: [messages, offsets] }: TopicTables): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS '${messages}' (
			'offset' INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
			uuid TEXT NOT NULL,
			created_at TEXT NOT NULL,
			payload BLOB,
			metadata JSON NOT NULL
		)`,
    `CREATE TABLE IF NOT EXISTS '${offsets}' (
			consumer_group TEXT NOT NULL,
			offset_acked INTEGER NOT NULL,
			locked_until INTEGER NOT NULL,
			PRIMARY KEY(consumer_group)
		)`,
  ];
}

const OURS: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS millrace_groups (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    consumer_group TEXT NOT NULL,
    locked_until INTEGER NOT NULL DEFAULT 0,
    seen_end INTEGER NOT NULL DEFAULT 0,
    witness TEXT,
    turns TEXT,
    UNIQUE (topic, consumer_group)
  )`,
  `CREATE TABLE IF NOT EXISTS millrace_claims (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id INTEGER NOT NULL,
    after_offset INTEGER NOT NULL,
    upto_offset INTEGER NOT NULL,
    settled_to INTEGER NOT NULL,
    done TEXT NOT NULL,
    owner TEXT,
    epoch INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    deaths INTEGER NOT NULL DEFAULT 0
  )`,
  "CREATE INDEX IF NOT EXISTS millrace_claims_of_group ON millrace_claims (group_id, after_offset)",
  `CREATE TABLE IF NOT EXISTS millrace_attempts (
    group_id INTEGER NOT NULL,
    message_offset INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    due_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (group_id, message_offset)
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS millrace_delayed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    due_ms INTEGER NOT NULL,
    topic TEXT NOT NULL,
    uuid TEXT NOT NULL,
    payload BLOB NOT NULL,
    metadata BLOB NOT NULL,
    log_table TEXT
  )`,
  "CREATE INDEX IF NOT EXISTS millrace_delayed_by_due ON millrace_delayed (due_ms, id)",
];

/** Columns that databases made by earlier releases lack. */
const LATER: readonly (readonly [table: string, column: string, type: string])[] = [
  ["millrace_delayed", "log_table", "TEXT"],
  ["millrace_attempts", "due_ms", "INTEGER NOT NULL DEFAULT 0"],
  ["millrace_claims", "deaths", "INTEGER NOT NULL DEFAULT 0"],
  ["millrace_groups", "seen_end", "INTEGER NOT NULL DEFAULT 0"],
  ["millrace_groups", "witness", "TEXT"],
  ["millrace_groups", "turns", "TEXT"],
];

export function makeOwnTables(connection: Connection): void {
  const made = new Map(
    connection.statement("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name LIKE 'millrace\\_%' ESCAPE '\\'").all() as [string, string][],
  );
  if (!made.has("millrace_delayed")) for (const sql of OURS) connection.database.exec(sql);
  for (const [table, column, type] of LATER) {
    if (made.get(table)?.includes(column) === false) connection.database.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
  }
}

/**
 * The tables a topic really has. SQLite's names know no case, so where `orders` has its table, `Orders` must not get the same one:
 * its tables carry a suffix that tells which letters are capitals.
 */
export function apart(connection: Connection, tables: TopicTables): TopicTables {
  const found = connection.statement("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE").get(tables.names[0]) as
    | [string]
    | undefined;
  if (found === undefined || found[0] === tables.names[0]) return tables;
  const capitals = [...tables.topic].map((letter) => (letter === letter.toLowerCase() ? "0" : "1")).join("");
  const suffix = `$${BigInt(`0b${capitals || "0"}`).toString(16)}`;
  const names = [tables.names[0] + suffix, tables.names[1] + suffix] as const;
  return { topic: tables.topic, messages: `"${names[0]}"`, offsets: `"${names[1]}"`, names };
}

export function makeTopicTables(connection: Connection, tables: TopicTables): void {
  for (const sql of topicDdl(tables)) connection.database.exec(sql);
}

export function tableExists(connection: Connection, name: string): boolean {
  return connection.statement("SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?").get(name) !== undefined;
}

export function topicExists(connection: Connection, tables: TopicTables): boolean {
  const count = connection.statement("SELECT count(*) FROM sqlite_schema WHERE type IN ('table', 'view') AND name IN (?, ?)").get(...tables.names) as [number];
  return count[0] === 2;
}
