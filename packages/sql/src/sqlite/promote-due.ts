import { monotonicMs, wallMs } from "millrace/adapter";
import type { Connection } from "./connection.ts";

/** A transaction of ours stays under 10 ms. */
const BUDGET_MS = 6;
/** Rows looked up at once: their ids alone, since payloads may be large. */
const BATCH = 500;
/** Rows between two looks at the clock. */
const LOOK_EVERY = 16;

export interface Promoted {
  /** Topics that got something. */
  readonly topics: ReadonlySet<string>;
  /** Tables that are not there: what belongs into them waits. */
  readonly missing: ReadonlySet<string>;
  /** More is due. */
  readonly more: boolean;
}

/** When the next delayed message is due, but those of `missing` tables; `undefined` when there is none. */
export function nextDue(connection: Connection, missing: ReadonlySet<string>): number | undefined {
  const statement =
    missing.size === 0
      ? connection.statement("SELECT min(due_ms) FROM millrace_delayed")
      : connection.statement(`SELECT min(due_ms) FROM millrace_delayed WHERE ${AVAILABLE}`);
  const [due] = (missing.size === 0 ? statement.get() : statement.get(JSON.stringify([...missing]))) as [number | null];
  return due ?? undefined;
}

/**
 * Moves what is due into the log, in the order of its times, and of publishing where they are equal. Run by every process that has
 * the database open; the write transaction makes each message enter exactly once.
 *
 * `tableOf` names the table of a topic's messages, which it makes where it may, or answers `undefined`: the table that the
 * message's own publisher wrote to is not there, and processes that name tables in another way must not choose another.
 */
export function promoteDue(
  connection: Connection,
  missing: ReadonlySet<string>,
  tableOf: (topic: string, table: string | undefined) => string | undefined,
): Promoted {
  const began = monotonicMs();
  const topics = new Set<string>();
  const gone = new Set(missing);
  const createdAt = new Date(wallMs()).toISOString();
  const due = connection
    .statement(`SELECT id, topic, log_table FROM millrace_delayed WHERE due_ms <= ? AND ${AVAILABLE} ORDER BY due_ms, id LIMIT ?`)
    .all(wallMs(), JSON.stringify([...missing]), BATCH) as [id: number, topic: string, table: string | null][];
  const tables = new Map<string, string | undefined>();
  for (const [index, [id, topic, table]] of due.entries()) {
    if (index % LOOK_EVERY === LOOK_EVERY - 1 && monotonicMs() - began > BUDGET_MS) return { topics, missing: gone, more: true };
    const wanted = table ?? topic;
    if (!tables.has(wanted)) tables.set(wanted, tableOf(topic, table ?? undefined));
    const found = tables.get(wanted);
    if (found === undefined) {
      gone.add(wanted);
      continue;
    }
    connection
      .statement(`INSERT INTO "${found}" (uuid, created_at, payload, metadata) SELECT uuid, ?, payload, metadata FROM millrace_delayed WHERE id = ?`)
      .run(createdAt, id);
    connection.statement("DELETE FROM millrace_delayed WHERE id = ?").run(id);
    topics.add(topic);
  }
  return { topics, missing: gone, more: due.length === BATCH };
}

/** Rows that an older version wrote name no table: theirs is the topic's. */
const AVAILABLE = "coalesce(log_table, topic) NOT IN (SELECT value FROM json_each(?))";
