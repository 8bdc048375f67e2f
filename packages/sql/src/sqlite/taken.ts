import type { StoredRow } from "../dialect.ts";
import type { Grant, Kept } from "../exchange.ts";
import { loadAttempts } from "./attempts.ts";
import { type ClaimRow, SUSPECT_AFTER } from "./claim-row.ts";
import type { Connection } from "./connection.ts";

/** What a member got in an exchange. */
export interface Taken {
  readonly row: ClaimRow;
  readonly rows: readonly StoredRow[];
  /** Added to a claim that it had. */
  readonly extends: boolean;
}

export function grantOf(connection: Connection, groupId: number, { row, rows, extends: extended }: Taken): Grant {
  const first = (rows[0] as StoredRow)[0];
  const last = (rows.at(-1) as StoredRow)[0];
  return {
    id: row.id,
    epoch: row.epoch,
    after: row.after,
    upto: row.upto,
    done: row.done,
    extends: extended,
    rows,
    attempts: withDeaths(loadAttempts(connection, groupId, first, last), first, row.deaths - SUSPECT_AFTER),
  };
}

/** Each owner that died with a message alone in its hands has made an attempt. */
function withDeaths(attempts: ReadonlyMap<number, Kept> | undefined, offset: number, died: number): ReadonlyMap<number, Kept> | undefined {
  if (died <= 0) return attempts;
  const { attempt = 0, dueMs = 0 } = attempts?.get(offset) ?? {};
  return new Map([[offset, { attempt: Math.max(1, attempt) + died, dueMs }]]);
}
