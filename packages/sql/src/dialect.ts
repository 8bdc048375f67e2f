import type { Capabilities, From, MaybePromise } from "millrace";
import type { ExchangeCall, Exchanged, GroupRef, MemberRef, Standing } from "./exchange.ts";

/** A message on its way into the log. */
export interface NewRow {
  readonly topic: string;
  readonly id: string;
  readonly payload: Uint8Array;
  /** JSON text; `undefined` for no metadata. */
  readonly metadata: string | undefined;
  /** Milliseconds since the epoch before which it stays out of the log. */
  readonly dueMs: number | undefined;
}

/** A message in the log: offset, id, time of entry (RFC 3339), payload, metadata (JSON text; `null` for none). */
export type StoredRow = readonly [offset: number, id: string, createdAt: string, payload: Uint8Array | null, metadata: string | null];

export interface PurgeRule {
  readonly topic: string;
  readonly maxAgeMs?: number | undefined;
  readonly maxMessages?: number | undefined;
  /** Everything that all groups have consumed. */
  readonly consumed?: boolean | undefined;
  /** Also what a group still needs. */
  readonly includeUnread?: boolean | undefined;
}

/** Somebody who waits for messages of a topic. */
export interface Watch {
  readonly topic: string;
  readonly group: string | undefined;
  /** There may be something to fetch. */
  onChange(): void;
  /** The database cannot be read. */
  onTrouble(error: unknown): void;
}

/**
 * A kind of database. The log and the subscriptions know these operations and nothing of the SQL behind them, nor whether an
 * operation answers at once (a synchronous driver that got its lock) or later.
 */
export interface Dialect {
  readonly name: string;
  /** What the log promises in this database. */
  readonly capabilities: Capabilities;
  /** The log in this dialect's database; the same one until everybody who attached has detached. No I/O. */
  attach(): Log;
  /** Inserts within the caller's own open transaction on `connection`, at once: all rows or none. */
  appendWithin(connection: unknown, rows: readonly NewRow[]): void;
}

export interface GroupLag {
  /** Messages that the group has not settled. */
  readonly messages: number;
  /** When the oldest of them entered the log (RFC 3339). */
  readonly oldestAt: string | undefined;
  /** Everything up to this offset is settled. */
  readonly settledTo: number;
}

/** What tools ask of the log. A topic or group that is not there is `UNKNOWN_TOPIC` or `UNKNOWN_GROUP`; asking makes nothing. */
export interface LogAdmin {
  /** Absent where the names of tables do not tell those of topics. */
  topics?(): MaybePromise<readonly string[]>;
  groups(topic: string): MaybePromise<readonly string[]>;
  lag(group: GroupRef): MaybePromise<GroupLag>;
  /** Moves the group. Rejects with `GROUP_BUSY` while members hold claims. */
  seek(group: GroupRef, to: From): MaybePromise<void>;
  /** Deletes the group's row, and what is remembered of it. Rejects with `GROUP_BUSY` while members hold claims. */
  deleteGroup(group: GroupRef): MaybePromise<void>;
}

/** Operations on the log. Each runs as one short transaction, and answers with a `MillraceError` `DATABASE_…` when it cannot. */
export interface Log {
  /** The database is busy: an operation waits for its lock. */
  readonly busy: boolean;
  /** A transaction is over, committed or rolled back, before anything else happens in this process. */
  readonly synchronous: boolean;
  readonly admin: LogAdmin;
  detach(): MaybePromise<void>;
  /** Throws `OptionError` when the topic cannot be a table. No I/O. */
  checkTopic(topic: string): void;
  /** Makes the topic's tables, and the group's row where it is new. True when the numbers of the log have begun anew: see `Exchanged`. */
  provision(topic: string, group: { readonly name: string; readonly from: From } | undefined): MaybePromise<boolean>;
  /**
   * Appends as much of `collect()` as fits a short transaction: whole batches, but of the first one maybe only a part.
   * `collect` is called again when the transaction has to be repeated. Answers how many rows are durable.
   */
  append(collect: () => readonly (readonly NewRow[])[]): MaybePromise<number>;
  /** All that a member of a group tells and asks, in one transaction. */
  exchange(call: ExchangeCall): MaybePromise<Exchanged>;
  /** How far the group has come, for the member whose claims carry `owner`. */
  standing(group: GroupRef, owner: string): MaybePromise<Standing>;
  /** For readings without a group. */
  read(topic: string, after: number, want: number): MaybePromise<readonly StoredRow[]>;
  /** The offset just before where a reading that starts at `from` begins. */
  locate(topic: string, from: From): MaybePromise<number>;
  /**
   * Whether anything is left that this member of a group, or a reading that is at `after`, could fetch: now, or as soon as it is sure
   * that whoever claimed it has died.
   */
  remains(topic: string, member: MemberRef | undefined, after: number): MaybePromise<boolean>;
  /** The last offset of the topic as far as known without asking. */
  head(topic: string): number | undefined;
  /** Tells of new messages and freed claims: at once when this process made them, else within the polling interval. */
  watch(watch: Watch): () => void;
  /** As if somebody else had written. */
  wake(topic: string | undefined): void;
  /** Deletes old messages, a small batch at a time; answers how many of one batch. */
  purge(rule: PurgeRule, limit: number): MaybePromise<number>;
}
