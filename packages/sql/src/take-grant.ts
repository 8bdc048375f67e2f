import type { Intake } from "millrace/adapter";
import { type Claim, SqlReceipt } from "./claim.ts";
import type { Grant } from "./exchange.ts";
import { takeRow } from "./take-row.ts";

/** Enters what a grant brought into its claim, then hands it to the subscription. All of it is entered before anything is handed out. */
export function takeGrant(
  claim: Claim,
  { rows, attempts }: Grant,
  intake: Intake<SqlReceipt>,
  onSteppedOver: (receipt: SqlReceipt, error: unknown) => void,
): void {
  const receipts = rows.map(([offset, id, createdAt]) => new SqlReceipt(id, offset, createdAt, claim, attempts?.get(offset) ?? 0));
  for (const receipt of receipts) claim.add(receipt);
  for (const [index, row] of rows.entries()) {
    const receipt = receipts[index] as SqlReceipt;
    takeRow(row, receipt, intake, (error) => onSteppedOver(receipt, error));
  }
}
