import type { StoredRow } from "../dialect.ts";
import type { Grant } from "../exchange.ts";
import { loadAttempts } from "./attempts.ts";
import type { ClaimRow } from "./claim-row.ts";
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
    attempts: loadAttempts(connection, groupId, first, last),
  };
}
