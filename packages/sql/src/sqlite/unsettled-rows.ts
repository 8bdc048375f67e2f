import type { StoredRow } from "../dialect.ts";
import { rangeWalker } from "../offset-ranges.ts";
import type { ClaimRow } from "./claim-row.ts";
import type { TopicStatements } from "./topic-statements.ts";

/** The first `limit` messages of a claim that nobody has settled yet. */
export function unsettledRows(topic: TopicStatements, { settledTo, upto, done }: ClaimRow, limit: number): readonly StoredRow[] {
  const isDone = rangeWalker(done);
  const rows: StoredRow[] = [];
  for (let after = settledTo; ; ) {
    const next = topic.range.all(after, upto, limit) as StoredRow[];
    for (const row of next) if (rows.length < limit && !isDone(row[0])) rows.push(row);
    if (next.length < limit || rows.length === limit) return rows;
    after = (next.at(-1) as StoredRow)[0];
  }
}
