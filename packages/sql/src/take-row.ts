import { type Intake, Received } from "millrace/adapter";
import type { SqlReceipt } from "./claim.ts";
import { type DecodedMetadata, decodeMetadata } from "./codec.ts";
import type { StoredRow } from "./dialect.ts";
import type { UndecodableRows } from "./undecodable-rows.ts";

const EMPTY = new Uint8Array(0);

/** Hands a row to the subscription. One that cannot be decoded stays in the table, and stops nobody. */
export function takeRow(row: StoredRow, receipt: SqlReceipt, intake: Intake<SqlReceipt>, undecodable: UndecodableRows, notBeforeMs = 0): void {
  const payload = row[3] ?? EMPTY;
  let decoded: DecodedMetadata;
  try {
    decoded = decodeMetadata(row[4]);
  } catch (error) {
    undecodable.put({ row, receipt, error });
    return;
  }
  const message = new Received({ source: receipt, key: decoded.key, payload, metadata: decoded.metadata }, receipt, Math.max(1, receipt.kept));
  message.notBeforeMs = notBeforeMs;
  intake.deliver(message);
}
