import { type From, type MaybePromise, MillraceError } from "millrace";
import { wallMs, whileBusy } from "millrace/adapter";
import type { Log, LogAdmin, NewRow, PurgeRule, StoredRow, Watch } from "../dialect.ts";
import type { ExchangeCall, Exchanged, GroupRef, MemberRef, Standing } from "../exchange.ts";
import { appendBatches } from "./append-batches.ts";
import { ChangeWatcher } from "./change-watcher.ts";
import type { Connection } from "./connection.ts";
import { databaseError, isBusy, isFatalToConnection, isMissingTable, resultCode } from "./database-error.ts";
import { FetchLimits } from "./fetch-limits.ts";
import { GroupExchange } from "./group-exchange.ts";
import { enterGroup } from "./group-row.ts";
import { LeaseWatch } from "./lease-watch.ts";
import { locate } from "./locate.ts";
import { Numbering } from "./numbering.ts";
import { Promotion } from "./promotion.ts";
import { purge } from "./purge.ts";
import { readStanding } from "./read-standing.ts";
import { remains } from "./remains.ts";
import { SqliteAdmin } from "./sqlite-admin.ts";
import { apart, makeOwnTables, makeTopicTables, type TableNames, type TopicTables, topicExists, topicTables } from "./tables.ts";

/** Nothing of a commit that found no space is left behind; of any other that failed, it is not known. */
const FULL = 13;
const PATIENCE_MS = 30_000;
/** Between two tries to get a lock: whoever holds it is done soon. */
const LOCKED = { minDelayMs: 1, maxDelayMs: 25 };

export interface SqliteLogRules {
  /** For error texts: the path. */
  readonly where: string;
  readonly open: () => Connection;
  readonly tables: TableNames;
  readonly provision: "create" | "verify" | "off";
  readonly pollMs: number;
  readonly onDetached: () => void;
}

/**
 * The log in an SQLite database. SQLite has one writer at a time and gives out offsets inside the write transaction, so offsets
 * become visible in the order of commits: a reader that stands at an offset has missed nothing below it, and no gap ever fills
 * up later. (The other dialects have to work for that.)
 */
export class SqliteLog implements Log {
  readonly #rules: SqliteLogRules;
  readonly #limits: FetchLimits = new FetchLimits();
  readonly #leases: LeaseWatch = new LeaseWatch();
  readonly #numbering: Numbering = new Numbering();
  readonly #watcher: ChangeWatcher;
  readonly #promotion: Promotion;
  readonly admin: LogAdmin;
  readonly synchronous = true;
  readonly #topics: Map<string, TopicTables> = new Map();
  #ready: Set<string> = new Set();
  #connection: Connection | undefined;
  #attached = 0;
  #waiting = 0;

  constructor(rules: SqliteLogRules) {
    this.#rules = rules;
    this.#watcher = new ChangeWatcher({
      pollMs: rules.pollMs,
      leases: this.#leases,
      connection: () => (this.#connection?.taken === true ? undefined : (this.#connection ?? this.#open())),
      tableOf: (topic) => this.#tables(topic).names[0],
      promote: (missing) => this.#promotion.start(missing),
      failure: (error) => this.#failure(error),
    });
    this.#promotion = new Promotion({
      tables: rules.tables,
      write: (work) => this.#write(work),
      makeAnew: (connection, topic) => {
        this.#ready.delete(topic); // somebody deleted it, maybe after we last looked
        this.#need(connection, topic);
      },
      inUse: () => this.#attached > 0,
      onPromoted: (topics, missing) => {
        for (const topic of topics) this.#watcher.touched(topic);
        this.#watcher.promoted(missing);
      },
    });
    this.admin = new SqliteAdmin({
      tables: rules.tables,
      leases: this.#leases,
      read: (work) => this.#run((connection) => connection.snapshot(work), PATIENCE_MS),
      write: (work) => this.#write(work),
      freed: (topic, group) => this.#watcher.freed(topic, group),
    });
  }

  get busy(): boolean {
    return this.#waiting > 0;
  }

  attach(): this {
    this.#attached++;
    return this;
  }

  detach(): void {
    if (--this.#attached > 0) return;
    this.#rules.onDetached();
    this.#watcher.stop();
    this.#drop();
  }

  checkTopic(topic: string): void {
    this.#tables(topic);
  }

  provision(topic: string, group: { readonly name: string; readonly from: From } | undefined): MaybePromise<boolean> {
    return this.#write((connection) => {
      const tables = this.#need(connection, topic);
      if (group === undefined) return false;
      const { offsets } = tables;
      const found = connection.statement(`SELECT offset_acked FROM ${offsets} WHERE consumer_group = ?`).get(group.name) as [number] | undefined;
      if (found === undefined) {
        connection
          .statement(`INSERT INTO ${offsets} (consumer_group, offset_acked, locked_until) VALUES (?, ?, 0)`)
          .run(group.name, Math.max(0, locate(connection, tables, group.from)));
        // What an earlier group of this name left behind is not this one's.
        connection.statement("DELETE FROM millrace_groups WHERE topic = ? AND consumer_group = ?").run(topic, group.name);
      }
      enterGroup(connection, { topic, name: group.name }, found?.[0], wallMs());
      return this.#numbering.checkFully(connection, connection.topic(tables), { topic, name: group.name });
    });
  }

  append(collect: () => readonly (readonly NewRow[])[]): MaybePromise<number> {
    const topics = new Set<string>();
    const done = this.#write((connection) => appendBatches(connection, collect(), (topic) => this.#need(connection, topic), topics));
    const tell = (count: number): number => {
      for (const topic of topics) this.#watcher.touched(topic);
      return count;
    };
    return typeof done === "number" ? tell(done) : done.then(tell);
  }

  exchange({ group, patienceMs, check, collect }: ExchangeCall): MaybePromise<Exchanged> {
    let [frees, end] = [false, 0];
    const work = (connection: Connection): Exchanged => {
      const topic = connection.topic(this.#need(connection, group.topic));
      const exchange = collect();
      frees = exchange.reports.some(({ parts }) => parts.some(({ keep }) => !keep));
      end = topic.end;
      const begunAnew = this.#numbering.check(connection, topic, group, end);
      const exchanged = new GroupExchange(connection, exchange, topic, this.#limits, this.#leases).run();
      if (exchanged.moved) this.#numbering.note(connection, topic, group);
      return { ...exchanged, begunAnew };
    };
    const tell = (exchanged: Exchanged): Exchanged => {
      this.#numbering.checked(group, end);
      if (frees) this.#watcher.freed(group.topic, group.name);
      return exchanged;
    };
    const done = this.#write(work, patienceMs, check);
    return done instanceof Promise ? done.then(tell) : tell(done);
  }

  standing(group: GroupRef, owner: string): MaybePromise<Standing> {
    return this.#read(group.topic, (connection, tables) => readStanding(connection, tables, group, owner));
  }

  read(topic: string, after: number, want: number): MaybePromise<readonly StoredRow[]> {
    return this.#read(topic, (connection, tables) => {
      const limit = Math.min(want, this.#limits.limit(topic));
      const rows = connection.topic(tables).range.all(after, Number.MAX_SAFE_INTEGER, limit) as StoredRow[];
      this.#limits.fetched(topic, rows, limit);
      return rows;
    });
  }

  locate(topic: string, from: From): MaybePromise<number> {
    return this.#read(topic, (connection, tables) => locate(connection, tables, from));
  }

  remains(topic: string, member: MemberRef | undefined, after: number): MaybePromise<boolean> {
    return this.#read(topic, (connection, tables) => remains(connection, tables, member, after, this.#leases));
  }

  head(topic: string): number | undefined {
    return this.#watcher.head(topic);
  }

  watch(watch: Watch): () => void {
    return this.#watcher.add(watch);
  }

  wake(topic: string | undefined): void {
    this.#watcher.wake(topic);
  }

  purge(rule: PurgeRule, limit: number): MaybePromise<number> {
    return this.#write((connection) => purge(connection, this.#need(connection, rule.topic), rule, limit));
  }

  #tables(topic: string): TopicTables {
    let tables = this.#topics.get(topic);
    if (tables === undefined) this.#topics.set(topic, (tables = topicTables(topic, this.#rules.tables)));
    return tables;
  }

  /** The topic's tables, which now exist. Called inside a write transaction. */
  #need(connection: Connection, topic: string): TopicTables {
    if (this.#ready.has(topic)) return this.#tables(topic);
    if (this.#ready.size === 0) makeOwnTables(connection);
    const tables = apart(connection, topicTables(topic, this.#rules.tables));
    this.#topics.set(topic, tables);
    if (this.#rules.provision === "create") makeTopicTables(connection, tables);
    else if (this.#rules.provision === "verify" && !topicExists(connection, tables)) {
      throw new MillraceError(`topic ${JSON.stringify(topic)} has no tables, and provision is "verify"`, { code: "TOPIC_MISSING" });
    }
    this.#ready.add(topic);
    return tables;
  }

  #read<T>(topic: string, work: (connection: Connection, tables: TopicTables) => T): MaybePromise<T> {
    if (!this.#ready.has(topic)) {
      const made = this.provision(topic, undefined);
      if (made instanceof Promise) return made.then(() => this.#read(topic, work));
    }
    return this.#run((connection) => {
      if (connection.taken) throw new MillraceError("the caller's own transaction is open on this connection", { code: "DATABASE_BUSY", retryable: true });
      return work(connection, this.#tables(topic));
    }, PATIENCE_MS);
  }

  #write<T>(work: (connection: Connection) => T, patienceMs: number = PATIENCE_MS, check?: () => void): MaybePromise<T> {
    return this.#run(
      (connection) => {
        const ready = new Set(this.#ready);
        try {
          return connection.transaction(work);
        } catch (error) {
          this.#ready = ready; // tables made in this transaction were rolled back
          throw error;
        }
      },
      patienceMs,
      check,
    );
  }

  #run<T>(work: (connection: Connection) => T, patienceMs: number, check?: () => void): MaybePromise<T> {
    let tries = 0;
    const attempt = (): T => {
      if (tries++ > 0) this.#checkWanted(check);
      const connection = this.#connection ?? this.#open();
      try {
        return work(connection);
      } catch (error) {
        if (!isMissingTable(error) || this.#ready.size === 0) throw error;
        this.#ready.clear(); // somebody deleted a topic under us: it is made anew
        return work(connection);
      }
    };
    try {
      const done = whileBusy(attempt, { ...LOCKED, patienceMs, isBusy });
      if (!(done instanceof Promise)) return done;
      this.#waiting++;
      return done
        .finally(() => {
          this.#waiting--;
        })
        .catch((error: unknown) => this.#fail(error));
    } catch (error) {
      return this.#fail(error);
    }
  }

  #checkWanted(check: (() => void) | undefined): void {
    if (this.#attached === 0) throw new MillraceError("the log is closed", { code: "CLOSED" });
    check?.();
  }

  #fail(error: unknown): never {
    throw this.#failure(error);
  }

  #failure(error: unknown): MillraceError {
    const unknown = this.#connection?.failedAtCommit === true && !isBusy(error) && resultCode(error) !== FULL;
    if (isFatalToConnection(error)) this.#drop();
    const told = databaseError(error, this.#rules.where);
    if (unknown) Object.defineProperty(told, "outcomeUnknown", { value: true });
    return told;
  }

  #open(): Connection {
    this.#checkWanted(undefined); // whoever asks when all is closed is not to open the file again
    this.#connection = this.#rules.open();
    this.#ready.clear();
    this.#watcher.start();
    return this.#connection;
  }

  #drop(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#ready.clear();
  }
}
