import type { From, MaybePromise } from "millrace";
import { groupBusy, sleep, unknownGroup, unknownTopic, wallMs } from "millrace/adapter";
import type { GroupLag, LogAdmin } from "../dialect.ts";
import type { GroupRef } from "../exchange.ts";
import { claimsAt, freshClaim, loadClaims, saveClaims, unsettledIn } from "./claim-row.ts";
import type { Connection } from "./connection.ts";
import type { LeaseWatch } from "./lease-watch.ts";
import { listTopics } from "./list-topics.ts";
import { locate } from "./locate.ts";
import { apart, makeOwnTables, type TableNames, type TopicTables, tableExists, topicTables } from "./tables.ts";

/** Between two looks at claims of which nobody knows yet whether their owner lives. */
const LOOK_AGAIN_MS = 50;

export interface SqliteAdminRules {
  readonly tables: TableNames;
  readonly leases: LeaseWatch;
  /** Runs `work` on one state of the database, without writing. */
  read<T>(work: (connection: Connection) => T): MaybePromise<T>;
  write<T>(work: (connection: Connection) => T): MaybePromise<T>;
  /** There is something to fetch for the group. */
  freed(topic: string, group: string): void;
}

interface Position {
  readonly tables: TopicTables;
  readonly acked: number;
  /** Until then (seconds) a member written for Watermill holds the group, unless the lock is ours. */
  readonly lock: number;
  /** The row of ours; `undefined` for a group that only members written for Watermill have used. */
  readonly own: { readonly id: number; readonly lock: number } | undefined;
}

/** What tools ask of the log in an SQLite database. */
export class SqliteAdmin implements LogAdmin {
  readonly #rules: SqliteAdminRules;
  readonly topics?: () => MaybePromise<readonly string[]>;

  constructor(rules: SqliteAdminRules) {
    this.#rules = rules;
    if (rules.tables.messages === undefined) this.topics = () => rules.read(listTopics);
  }

  groups(topic: string): MaybePromise<readonly string[]> {
    return this.#rules.read((connection) => {
      const tables = this.#find(connection, topic);
      if (!tableExists(connection, tables.names[1])) return [];
      const rows = connection.statement(`SELECT consumer_group FROM ${tables.offsets} ORDER BY consumer_group`).all() as [string][];
      return rows.map(([name]) => name);
    });
  }

  lag(group: GroupRef): MaybePromise<GroupLag> {
    return this.#rules.read((connection) => {
      const { tables, acked, own } = this.#position(connection, group);
      const topic = connection.topic(tables);
      const first = topic.first.get(acked) as [offset: number, createdAt: string] | undefined;
      if (first === undefined) return { messages: 0, oldestAt: undefined, settledTo: acked };
      const [last] = connection.statement(`SELECT max(offset) FROM ${tables.messages}`).get() as [number];
      // What was purged below the first message counts for nothing; the rest of the log has no holes.
      let settled = 0;
      const begin = first[0] - 1;
      for (const { after, upto, settledTo, done } of claimsAt(acked, own === undefined ? [] : loadClaims(connection, own.id))) {
        const from = Math.max(after, begin);
        if (upto > from) settled += upto - from - unsettledIn({ upto, settledTo: Math.max(settledTo, from), done });
      }
      return { messages: last - begin - settled, oldestAt: first[1], settledTo: acked };
    });
  }

  seek(group: GroupRef, to: From): MaybePromise<void> {
    const done = this.#whenIdle(group, (connection, position) => {
      const { tables } = position;
      this.#forget(connection, position);
      makeOwnTables(connection);
      connection.statement("INSERT OR IGNORE INTO millrace_groups (topic, consumer_group) VALUES (?, ?)").run(group.topic, group.name);
      const [id] = connection.statement("SELECT id FROM millrace_groups WHERE topic = ? AND consumer_group = ?").get(group.topic, group.name) as [number];
      const begin = Math.max(0, locate(connection, tables, to));
      const first = connection.topic(tables).first.get(begin) as [offset: number] | undefined;
      const acked = first === undefined ? begin : first[0] - 1;
      connection.statement(`UPDATE ${tables.offsets} SET offset_acked = ? WHERE consumer_group = ?`).run(acked, group.name);
      // A claim that nobody holds is what idle members, in every process, look for.
      if (first !== undefined) saveClaims(connection, id, [freshClaim(acked, first[0])]);
    });
    const tell = (): void => this.#rules.freed(group.topic, group.name);
    return done instanceof Promise ? done.then(tell) : tell();
  }

  deleteGroup(group: GroupRef): MaybePromise<void> {
    return this.#whenIdle(group, (connection, position) => {
      this.#forget(connection, position);
      if (position.own !== undefined) connection.statement("DELETE FROM millrace_groups WHERE id = ?").run(position.own.id);
      connection.statement(`DELETE FROM ${position.tables.offsets} WHERE consumer_group = ?`).run(group.name);
    });
  }

  /** The topic's tables, or `UNKNOWN_TOPIC`. */
  #find(connection: Connection, topic: string): TopicTables {
    const tables = apart(connection, topicTables(topic, this.#rules.tables));
    if (!tableExists(connection, tables.names[0])) throw unknownTopic(topic);
    return tables;
  }

  #position(connection: Connection, { topic, name }: GroupRef): Position {
    const tables = this.#find(connection, topic);
    const row = tableExists(connection, tables.names[1])
      ? (connection.statement(`SELECT offset_acked, locked_until FROM ${tables.offsets} WHERE consumer_group = ?`).get(name) as [number, number] | undefined)
      : undefined;
    if (row === undefined) throw unknownGroup(topic, name);
    const own = tableExists(connection, "millrace_groups")
      ? (connection.statement("SELECT id, locked_until FROM millrace_groups WHERE topic = ? AND consumer_group = ?").get(topic, name) as
          | [number, number]
          | undefined)
      : undefined;
    return { tables, acked: row[0], lock: row[1], own: own === undefined ? undefined : { id: own[0], lock: own[1] } };
  }

  /** Runs `work` when nobody holds anything of the group; whether a member that left claims behind is dead may take a lease to see. */
  #whenIdle(group: GroupRef, work: (connection: Connection, position: Position) => void): MaybePromise<void> {
    const attempt = (): MaybePromise<boolean> =>
      this.#rules.write((connection) => {
        const position = this.#position(connection, group);
        if (!this.#isIdle(connection, group, position)) return false;
        work(connection, position);
        return true;
      });
    const again = async (): Promise<void> => {
      do await sleep(LOOK_AGAIN_MS);
      while (!(await attempt()));
    };
    const done = attempt();
    if (done === true) return;
    return done === false ? again() : done.then((idle) => (idle ? undefined : again()));
  }

  /** False while that cannot be said. Throws `GROUP_BUSY`. */
  #isIdle(connection: Connection, { topic, name }: GroupRef, { lock, own }: Position): boolean {
    const claims = own === undefined ? [] : loadClaims(connection, own.id);
    const leases = claims.flatMap(({ owner, settledTo, upto, ...claim }) =>
      owner === null || settledTo === upto ? [] : [this.#rules.leases.guess({ ...claim, owner })],
    );
    if (leases.includes("held")) throw groupBusy(topic, name, "its members hold messages");
    if (lock !== (own?.lock ?? 0) && lock >= Math.floor(wallMs() / 1000)) throw groupBusy(topic, name, "a Watermill member holds it");
    return !leases.includes("open");
  }

  /** What members claimed, and how often they tried. */
  #forget(connection: Connection, { own }: Position): void {
    if (own === undefined) return;
    connection.statement("DELETE FROM millrace_claims WHERE group_id = ?").run(own.id);
    connection.statement("DELETE FROM millrace_attempts WHERE group_id = ?").run(own.id);
  }
}
