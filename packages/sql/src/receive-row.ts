import { Received, type UndecodableRecord } from "millrace/adapter";
import type { SqlReceipt } from "./claim.ts";
import { decodeMetadata } from "./codec.ts";

const EMPTY = new Uint8Array(0);

/** The message of a row. Throws for one that cannot be decoded, which stays in the table. */
export function receiveRow(receipt: SqlReceipt): Received<SqlReceipt> {
  const payload = receipt.row?.[3] ?? EMPTY;
  const { key, metadata } = decodeMetadata(receipt.row?.[4] ?? null);
  const message = new Received({ source: receipt, key, payload, metadata }, receipt, Math.max(1, receipt.kept));
  message.notBeforeMs = receipt.notBeforeMs;
  return message;
}

export function rawRow({ offset, row }: SqlReceipt): Omit<UndecodableRecord, "error"> {
  return { position: String(offset), payload: row?.[3] ?? EMPTY };
}
