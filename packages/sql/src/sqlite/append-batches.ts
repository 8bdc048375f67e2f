import { monotonicMs, wallMs } from "millrace/adapter";
import type { NewRow } from "../dialect.ts";
import type { Connection } from "./connection.ts";
import type { TopicTables } from "./tables.ts";
import type { TopicStatements } from "./topic-statements.ts";

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
  for (const batch of batches) {
    // Only the first batch may be cut; another one begins when at the pace so far all of it fits.
    if (count > 0 && (spent / count) * (count + batch.length) > BUDGET_MS) break;
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
      const taken = statements.insert(batch, at, createdAt);
      at += taken;
      count += taken;
      sinceLook += taken + (row.payload.length >> 12);
      if (sinceLook < LOOK_EVERY) continue;
      sinceLook = 0;
      spent = monotonicMs() - began;
      if (spent > BUDGET_MS) return count;
    }
    spent = monotonicMs() - began;
  }
  return count;
}
