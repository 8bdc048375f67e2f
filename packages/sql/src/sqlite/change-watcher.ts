import { monotonicMs, startTimer, stopTimer, type TimerHandle, wallMs } from "millrace/adapter";
import type { Watch } from "../dialect.ts";
import type { Connection } from "./connection.ts";
import type { LeaseWatch } from "./lease-watch.ts";
import { nextDue } from "./promote-due.ts";

/** Leases run out without anybody writing: how often to look for claims that have become free. */
const FREED_LOOK_MS = 250;
/** How often to look whether a table that delayed messages wait for has come back. */
const MISSING_LOOK_MS = 5_000;
/** How long after a write of this process to look, where the polling interval is longer. */
const SOON_MS = 40;
/** Processes that wait for the same message do not all wake at the same moment. */
const SPREAD_MS = 20;
/** A broken database is asked less often. */
const TROUBLE_LOOK_MS = 500;

const UNSETTLED = "FROM millrace_claims JOIN millrace_groups ON millrace_groups.id = group_id WHERE settled_to < upto_offset";

export interface WatcherRules {
  readonly pollMs: number;
  readonly leases: LeaseWatch;
  /** The open connection, if it may be read now. */
  connection(): Connection | undefined;
  tableOf(topic: string): string;
  /** Lets in what is due, but what belongs into tables that are not there. */
  promote(missing: ReadonlySet<string>): void;
  /** The error as it is to be told. */
  failure(error: unknown): unknown;
}

/**
 * Notices what others write: one look at SQLite's change counter per database every few milliseconds, whatever the number of
 * subscriptions; only when the counter has moved are the topics' heads and the free claims read. Writes nothing.
 */
export class ChangeWatcher {
  readonly #rules: WatcherRules;
  readonly #watches: Set<Watch> = new Set();
  readonly #heads: Map<string, number> = new Map();
  #timer: TimerHandle | undefined;
  /** When it fires. */
  #timerAt = 0;
  #version = -1;
  #stale = true;
  #freedAt = 0;
  #nextDue: number | undefined;
  #missing: ReadonlySet<string> = new Set();
  #missingAt = 0;

  constructor(rules: WatcherRules) {
    this.#rules = rules;
  }

  add(watch: Watch): () => void {
    this.#watches.add(watch);
    this.#reschedule(this.#rules.pollMs); // the one that runs may not keep the process alive
    return () => {
      this.#watches.delete(watch);
    };
  }

  /** Begins to look, also while nobody waits for messages: somebody has to let delayed ones in. */
  start(): void {
    this.#schedule(this.#rules.pollMs);
  }

  stop(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
    this.#version = -1;
    this.#stale = true;
  }

  head(topic: string): number | undefined {
    const table = this.#rules.tableOf(topic);
    return this.#heads.get(table) ?? this.#readHead(table);
  }

  /** Somebody of this process has written to the topic. */
  touched(topic: string): void {
    this.#stale = true;
    // What was written may be due before the next look, where that is seldom.
    if (this.#rules.pollMs > SOON_MS && this.#timer !== undefined && this.#timerAt > monotonicMs() + SOON_MS) this.#reschedule(SOON_MS);
    for (const watch of this.#watches) if (watch.topic === topic) watch.onChange();
  }

  /** What was due is in the log, but what belongs into these tables. */
  promoted(missing: ReadonlySet<string>): void {
    this.#stale = true;
    if (missing.size > this.#missing.size) this.#missingAt = monotonicMs();
    this.#missing = missing;
  }

  /** Claims of a group were given back by somebody of this process. */
  freed(topic: string, group: string): void {
    for (const watch of this.#watches) if (watch.topic === topic && watch.group === group) watch.onChange();
  }

  wake(topic: string | undefined): void {
    this.#stale = true;
    for (const watch of this.#watches) if (topic === undefined || watch.topic === topic) watch.onChange();
    this.#look();
  }

  #reschedule(delayMs: number): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
    this.#schedule(delayMs);
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined) return;
    this.#timerAt = monotonicMs() + delayMs;
    // Without subscriptions it must not keep the process alive.
    this.#timer = startTimer(
      () => {
        this.#timer = undefined;
        this.#schedule(this.#look() ? this.#pause() : TROUBLE_LOOK_MS);
      },
      delayMs,
      this.#watches.size === 0,
    );
  }

  /** Until the next look: the polling interval, but no longer than until the next delayed message is due. */
  #pause(): number {
    const untilDue = (this.#nextDue ?? Number.POSITIVE_INFINITY) - wallMs();
    return untilDue > 0 ? Math.min(this.#rules.pollMs, untilDue + Math.random() * SPREAD_MS) : Math.min(this.#rules.pollMs, SOON_MS);
  }

  #look(): boolean {
    try {
      const connection = this.#rules.connection();
      if (connection === undefined) return true;
      const version = this.#versionOf(connection);
      if (this.#missing.size > 0 && monotonicMs() - this.#missingAt >= MISSING_LOOK_MS) this.promoted(new Set());
      const changed = version !== this.#version || this.#stale;
      if (changed) {
        this.#version = version;
        this.#stale = false;
        this.#readHeads(connection);
        this.#nextDue = nextDue(connection, this.#missing);
      }
      if (changed || monotonicMs() - this.#freedAt >= FREED_LOOK_MS) this.#readFreed(connection);
      if (this.#nextDue !== undefined && this.#nextDue <= wallMs()) {
        this.#stale = true;
        this.#rules.promote(this.#missing);
      }
      return true;
    } catch (error) {
      this.#stale = true;
      const told = this.#rules.failure(error);
      for (const watch of this.#watches) watch.onTrouble(told);
      return false;
    }
  }

  /** Commits of other connections; on the caller's own connection also what that one has changed itself. */
  #versionOf(connection: Connection): number {
    const [others] = connection.statement("PRAGMA data_version").get() as [number];
    if (connection.owned) return others;
    const [own] = connection.statement("SELECT total_changes()").get() as [number];
    return others * 2 ** 32 + own;
  }

  /** Before the first look, and while nothing was written to the table. Not noted: the look itself tells those who wait that there is something. */
  #readHead(table: string): number | undefined {
    try {
      const connection = this.#rules.connection();
      if (connection === undefined) return undefined;
      return (connection.statement("SELECT seq FROM sqlite_sequence WHERE name = ?").get(table) as [number] | undefined)?.[0] ?? 0;
    } catch {
      return undefined; // the next look tells of the trouble
    }
  }

  #readHeads(connection: Connection): void {
    const grown = new Set<string>();
    for (const [name, seq] of connection.statement("SELECT name, seq FROM sqlite_sequence").all() as [string, number][]) {
      if (this.#heads.get(name) === seq) continue;
      this.#heads.set(name, seq);
      grown.add(name);
    }
    if (grown.size === 0) return;
    for (const watch of this.#watches) if (grown.has(this.#rules.tableOf(watch.topic))) watch.onChange();
  }

  #readFreed(connection: Connection): void {
    this.#freedAt = monotonicMs();
    if (this.#watches.size === 0) return;
    const free = connection.statement(`SELECT DISTINCT topic, consumer_group ${UNSETTLED} AND owner IS NULL`).all() as [topic: string, group: string][];
    const owned = connection
      .statement(`SELECT topic, consumer_group, millrace_claims.id, owner, epoch, lease_until ${UNSETTLED} AND owner IS NOT NULL`)
      .all() as [topic: string, group: string, id: number, owner: string, epoch: number, leaseUntil: number][];
    const { leases } = this.#rules;
    for (const [topic, group, id, owner, epoch, leaseUntil] of owned) if (leases.look({ id, owner, epoch, leaseUntil }) === "over") free.push([topic, group]);
    leases.keep(new Set(owned.map(([, , id]) => id)));
    for (const [topic, group] of free) this.freed(topic, group);
  }
}
