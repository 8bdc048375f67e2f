import type { NewRow } from "../dialect.ts";
import type { Connection } from "./connection.ts";
import type { SqliteStatement, SqliteValue } from "./driver.ts";
import type { TopicTables } from "./tables.ts";

/**
 * The columns of a `StoredRow`. `{}` is read as NULL so that messages without metadata cost no parsing, and the rest as text so
 * that SQLite decodes it; a payload that a foreign writer stored as text comes as its bytes.
 */
const COLUMNS = "offset, uuid, created_at, CAST(payload AS BLOB), CASE WHEN metadata = x'7b7d' THEN NULL ELSE CAST(metadata AS TEXT) END";

/** Rows of one statement: fewer calls into the driver make a batch half as fast again. */
export const TOGETHER = 20;

/** The statements on one topic's tables that run for every message or every batch. */
export class TopicStatements {
  readonly #connection: Connection;
  readonly #messages: string;
  readonly #table: string;
  readonly #plain: SqliteStatement;
  readonly #full: SqliteStatement;
  readonly #delayed: SqliteStatement;
  #first: SqliteStatement | undefined;
  #plains: SqliteStatement | undefined;
  #fulls: SqliteStatement | undefined;
  /** Parameters: after, upto, limit. */
  readonly range: SqliteStatement;
  readonly position: SqliteStatement;
  readonly savePosition: SqliteStatement;

  constructor(connection: Connection, { messages, offsets, names }: TopicTables) {
    this.#connection = connection;
    this.#messages = messages;
    this.#table = names[0];
    this.#plain = connection.statement(insertSql(messages, PLAIN_ROW, 1));
    this.#full = connection.statement(insertSql(messages, FULL_ROW, 1));
    this.#delayed = connection.statement(
      "INSERT INTO millrace_delayed (due_ms, topic, uuid, payload, metadata, log_table) VALUES (?, ?, ?, coalesce(?, x''), CAST(? AS BLOB), ?)",
    );
    this.range = connection.statement(`SELECT ${COLUMNS} FROM ${messages} WHERE offset > ? AND offset <= ? ORDER BY offset LIMIT ?`);
    this.position = connection.statement(`SELECT offset_acked, locked_until FROM ${offsets} WHERE consumer_group = ?`);
    this.savePosition = connection.statement(`UPDATE ${offsets} SET offset_acked = ?, locked_until = ? WHERE consumer_group = ?`);
  }

  /** Offset and time of entry of the first message past an offset. */
  get first(): SqliteStatement {
    this.#first ??= this.#connection.statement(`SELECT offset, created_at FROM ${this.#messages} WHERE offset > ? ORDER BY offset LIMIT 1`);
    return this.#first;
  }

  /** The last offset that was given out, also when its message was deleted. */
  get end(): number {
    return (this.#connection.statement("SELECT seq FROM sqlite_sequence WHERE name = ?").get(this.#table) as [number] | undefined)?.[0] ?? 0;
  }

  /** As `end`, also where the counter was set back while messages are there. */
  get lastOffset(): number {
    const [last] = this.#connection.statement(`SELECT max(offset) FROM ${this.#messages}`).get() as [number | null];
    return Math.max(this.end, last ?? 0);
  }

  /** What tells the message at an offset from any other one; `undefined` for none. */
  witness(offset: number): string | undefined {
    const found = this.#connection.statement(`SELECT uuid, created_at FROM ${this.#messages} WHERE offset = ?`).get(offset);
    return found === undefined ? undefined : (found as [string, string]).join(" ");
  }

  /** Puts messages from `rows[from]` on into the topic, or into the side table when not due yet; answers how many it took. */
  insert(rows: readonly NewRow[], from: number, createdAt: string): number {
    const row = rows[from] as NewRow;
    const kind = this.#kindOf(rows, from);
    if (kind !== undefined) return this.#insertTogether(rows, from, createdAt, kind);
    const { topic, id, payload, metadata, dueMs } = row;
    if (dueMs !== undefined) this.#delayed.run(dueMs, topic, id, payload, metadata ?? "{}", this.#table);
    else if (metadata === undefined) this.#plain.run(id, createdAt, payload);
    else this.#full.run(id, createdAt, payload, metadata);
    return 1;
  }

  /** Whether the next rows can go in one statement, and in which. */
  #kindOf(rows: readonly NewRow[], from: number): "plain" | "full" | undefined {
    if (rows.length - from < TOGETHER) return undefined;
    const { topic } = rows[from] as NewRow;
    let kind: "plain" | "full" = "plain";
    for (let index = from; index < from + TOGETHER; index++) {
      const row = rows[index] as NewRow;
      if (row.dueMs !== undefined || row.topic !== topic || row.payload.length > 4096) return undefined;
      if (row.metadata !== undefined) kind = "full";
    }
    return kind;
  }

  #insertTogether(rows: readonly NewRow[], from: number, createdAt: string, kind: "plain" | "full"): number {
    const values: SqliteValue[] = [];
    for (let index = from; index < from + TOGETHER; index++) {
      const { id, payload, metadata } = rows[index] as NewRow;
      values.push(id, createdAt, payload);
      if (kind === "full") values.push(metadata ?? "{}");
    }
    const statement = kind === "plain" ? (this.#plains ??= this.#prepareTogether(PLAIN_ROW)) : (this.#fulls ??= this.#prepareTogether(FULL_ROW));
    statement.run(...values);
    return TOGETHER;
  }

  #prepareTogether(row: string): SqliteStatement {
    return this.#connection.statement(insertSql(this.#messages, row, TOGETHER));
  }
}

// coalesce: a driver may bind an empty payload as NULL.
const PLAIN_ROW = "(?, ?, coalesce(?, x''), x'7b7d')";
const FULL_ROW = "(?, ?, coalesce(?, x''), CAST(? AS BLOB))";

function insertSql(messages: string, row: string, count: number): string {
  return `INSERT INTO ${messages} (uuid, created_at, payload, metadata) VALUES ${Array(count).fill(row).join(", ")}`;
}
