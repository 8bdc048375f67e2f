import { monotonicMs, wallMs } from "millrace/adapter";
import type { NewRow } from "../dialect.ts";
import type { Connection } from "./connection.ts";
import type { TopicTables } from "./tables.ts";
import { TOGETHER, type TopicStatements } from "./topic-statements.ts";

/** Inserting stops after this time, so that with its commit a transaction of ours stays under 10 ms. */
const BUDGET_MS = 6;
/** Rows between two looks at the clock. */
const LOOK_EVERY = 32;

/**
 * Inserts whole batches as far as the time goes, and of the first one what fits; answers how many rows. `topics` is filled with those
 * that got something. Runs inside a write transaction.
 */
export function appendBatches(
  connection: Connection,
  batches: readonly (readonly NewRow[])[],
  tablesOf: (topic: string) => TopicTables,
  topics: Set<string>,
): number {
  const began = monotonicMs();
  const createdAt = new Date(wallMs()).toISOString();
  let count = 0;
  let spent = 0;
  topics.clear();
  for (let next = 0; next < batches.length; ) {
    const [batch, taken] = nextBatch(batches, next);
    next += taken;
    // Only the first batch may be cut, and rows that went together; another one begins when at the pace so far all of it fits.
    if (count > 0 && (spent / count) * (count + (taken > 1 ? 1 : batch.length)) > BUDGET_MS) break;
    let topic: string | undefined;
    let statements: TopicStatements | undefined;
    let sinceLook = 0;
    for (let at = 0; at < batch.length; ) {
      const row = batch[at] as NewRow;
      if (row.topic !== topic || statements === undefined) {
        topic = row.topic;
        statements = connection.topic(tablesOf(topic));
        topics.add(topic);
      }
      const inserted = statements.insert(batch, at, createdAt);
      at += inserted;
      count += inserted;
      sinceLook += inserted + (row.payload.length >> 12);
      if (sinceLook < LOOK_EVERY) continue;
      sinceLook = 0;
      spent = monotonicMs() - began;
      if (spent > BUDGET_MS) return count;
    }
    spent = monotonicMs() - began;
  }
  return count;
}

/** The next batch, and how many of those given it is: single rows go together, and may be cut anywhere. */
function nextBatch(batches: readonly (readonly NewRow[])[], from: number): readonly [batch: readonly NewRow[], taken: number] {
  const first = batches[from] as readonly NewRow[];
  if (first.length !== 1) return [first, 1];
  const rows = [...first];
  while (rows.length < TOGETHER && batches[from + rows.length]?.length === 1) rows.push(batches[from + rows.length]?.[0] as NewRow);
  return [rows, rows.length];
}
