import type { StoredRow } from "../dialect.ts";
import type { FetchLimit } from "./claiming.ts";

const FIRST = 16;
const MOST = 1000;
/** Reading so many bytes takes a few milliseconds: a transaction of ours is to stay under ten. */
const TARGET_BYTES = 4 * 1024 * 1024;

/** How many messages of a topic to fetch at once: up to a thousand small ones, one by one where they are huge. */
export class FetchLimits implements FetchLimit {
  readonly #limits: Map<string, number> = new Map();

  limit(topic: string): number {
    return this.#limits.get(topic) ?? FIRST;
  }

  fetched(topic: string, rows: readonly StoredRow[], limit: number): void {
    if (rows.length === 0) return;
    let bytes = 0;
    for (const row of rows) bytes += (row[3]?.length ?? 0) + (row[4]?.length ?? 0) + 100;
    const fits = Math.max(1, Math.floor((TARGET_BYTES * rows.length) / bytes));
    const now = this.limit(topic);
    const next = rows.length < limit ? Math.min(now, fits) : Math.min(fits, now * 4, MOST);
    if (next !== now) this.#limits.set(topic, next);
  }
}
