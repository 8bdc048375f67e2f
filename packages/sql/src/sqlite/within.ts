import { MillraceError } from "millrace";
import { OptionCheck, wallMs } from "millrace/adapter";
import type { NewRow } from "../dialect.ts";
import { Connection } from "./connection.ts";
import { connectionClosed, databaseError } from "./database-error.ts";
import { fileOf, inTransaction, isOpen, isSameFile, type SqliteDatabase } from "./driver.ts";
import { apart, makeOwnTables, makeTopicTables, type TableNames, type TopicTables, topicExists, topicTables } from "./tables.ts";

const WHERE = "within";

export interface WithinRules {
  /** The pub/sub's own file, or its own connection. */
  readonly path: string | undefined;
  readonly database: SqliteDatabase | undefined;
  readonly tables: TableNames;
}

/** Publishing within transactions of the caller's, on connections of his own to the pub/sub's database. */
export class Within {
  readonly #rules: WithinRules;
  /** Those that were looked at. */
  readonly #connections: WeakMap<object, Connection> = new WeakMap();

  constructor(rules: WithinRules) {
    this.#rules = rules;
  }

  append(given: unknown, rows: readonly NewRow[]): void {
    const database = given as SqliteDatabase;
    new OptionCheck(WHERE).methods("connection", database, ["exec", "prepare"]).done();
    if (isOpen(database) === false) throw connectionClosed(WHERE);
    if (inTransaction(database) === false) throw noTransaction();
    insert(this.#connection(database), rows, this.#rules.tables);
  }

  #connection(database: SqliteDatabase): Connection {
    let connection = this.#connections.get(database);
    if (connection !== undefined) return connection;
    try {
      this.#checkFile(database);
      connection = new Connection(database, false);
    } catch (error) {
      throw databaseError(error, WHERE);
    }
    this.#connections.set(database, connection);
    return connection;
  }

  /** Into another database it would be written, and never be seen. */
  #checkFile(database: SqliteDatabase): void {
    const { path, database: own } = this.#rules;
    if (database === own) return;
    const file = fileOf(database);
    const ours = own === undefined ? (path ?? "") : fileOf(own);
    if (isSameFile(file, ours)) return;
    const text = `the connection is to ${named(file)}, and the pub/sub reads ${named(ours)}, where nobody would see what is published`;
    throw new MillraceError(`${text}: open the connection on the pub/sub's file, or make a SqlPubSub for the other one`, { code: "OTHER_DATABASE" });
  }
}

function named(file: string): string {
  return file === "" ? "a database in memory" : JSON.stringify(file);
}

function noTransaction(): MillraceError {
  return new MillraceError("the connection has no open transaction: begin one, publish within it, and commit it together with your own writes", {
    code: "NO_TRANSACTION",
  });
}

function insert(connection: Connection, rows: readonly NewRow[], names: TableNames): void {
  const { database } = connection;
  const createdAt = new Date(wallMs()).toISOString();
  database.exec("SAVEPOINT millrace");
  try {
    const tables = new Map([...new Set(rows.map(({ topic }) => topic))].map((topic) => [topic, need(connection, topic, names)]));
    for (let at = 0; at < rows.length; ) at += connection.topic(tables.get((rows[at] as NewRow).topic) as TopicTables).insert(rows, at, createdAt);
    database.exec("RELEASE millrace");
  } catch (error) {
    if (inTransaction(database) === false)
      throw databaseError(error, WHERE, "SQLite has ended your transaction and rolled all of it back, your own writes too");
    database.exec("ROLLBACK TO millrace; RELEASE millrace");
    throw databaseError(error, WHERE);
  }
}

/** Looked up in every transaction: what an earlier one made may have been rolled back. */
function need(connection: Connection, topic: string, names: TableNames): TopicTables {
  const tables = apart(connection, topicTables(topic, names));
  if (!topicExists(connection, tables)) makeTopicTables(connection, tables);
  makeOwnTables(connection);
  return tables;
}
