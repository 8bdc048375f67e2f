/** A durable log with groups in a SQL database, shared by any number of processes. SQLite is the first dialect. */

export { KEY_BASE64_METADATA, KEY_METADATA } from "millrace/adapter";
export { capabilities } from "./capabilities.ts";
export { type SqlDelivery, sqlDelivery } from "./delivery.ts";
export type { Dialect, Log, LogAdmin, NewRow, PurgeRule, StoredRow, Watch } from "./dialect.ts";
export type { ClaimPart, ClaimReport, Exchange, Exchanged, Grant, GroupRef, Standing } from "./exchange.ts";
export { fromUrl } from "./from-url.ts";
export { type RetentionOptions, SQL_DEFAULTS, type SqlPublisherOptions, type SqlPubSubOptions, type SqlSubscriberOptions } from "./options.ts";
export { SqlPubSub } from "./pub-sub.ts";
export { SqlPublisher } from "./publisher.ts";
export type { SqliteDatabase, SqliteStatement, SqliteValue } from "./sqlite/driver.ts";
export { SQLITE_DEFAULTS, type SqliteOptions, sqlite } from "./sqlite/sqlite.ts";
export type { TableNames } from "./sqlite/tables.ts";
export { SqlSubscriber } from "./subscriber.ts";
export { TransactionPublisher } from "./transaction-publisher.ts";
