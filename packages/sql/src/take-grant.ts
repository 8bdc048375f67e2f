import { type Intake, monotonicMs, wallMs } from "millrace/adapter";
import { type Claim, SqlReceipt } from "./claim.ts";
import type { StoredRow } from "./dialect.ts";
import type { Grant } from "./exchange.ts";
import { takeRow } from "./take-row.ts";
import type { UndecodableRows } from "./undecodable-rows.ts";

/** Enters what a grant brought into its claim, then hands it to the subscription. All of it is entered before anything is handed out. */
export function takeGrant(claim: Claim, { rows, attempts }: Grant, intake: Intake<SqlReceipt>, undecodable: UndecodableRows): void {
  const receipts = rows.map((row) => new SqlReceipt(row[1], row[0], row[2], claim, attempts?.get(row[0])?.attempt ?? 0));
  for (const receipt of receipts) claim.add(receipt);
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] as StoredRow;
    takeRow(row, receipts[index] as SqlReceipt, intake, undecodable, notBeforeMs(attempts?.get(row[0])?.dueMs));
  }
}

/** A moment since the epoch on the monotonic clock; 0 for none, or one that is past. */
function notBeforeMs(dueMs: number | undefined): number {
  if (dueMs === undefined || dueMs === 0) return 0;
  const inMs = dueMs - wallMs();
  return inMs > 0 ? monotonicMs() + inMs : 0;
}
