import type { Intake } from "millrace/adapter";
import { type Claim, SqlReceipt } from "./claim.ts";
import type { StoredRow } from "./dialect.ts";
import type { Grant } from "./exchange.ts";
import { takeRow } from "./take-row.ts";

/** Enters what a grant brought into its claim, then hands it to the subscription. All of it is entered before anything is handed out. */
export function takeGrant(
  claim: Claim,
  { rows, attempts }: Grant,
  intake: Intake<SqlReceipt>,
  onSteppedOver: (receipt: SqlReceipt, error: unknown) => void,
): void {
  const receipts = rows.map((row) => new SqlReceipt(row[1], row[0], row[2], claim, attempts?.get(row[0]) ?? 0));
  for (const receipt of receipts) claim.add(receipt);
  for (let index = 0; index < rows.length; index++) takeRow(rows[index] as StoredRow, receipts[index] as SqlReceipt, intake, onSteppedOver);
}
