import type { ReceivedMessage } from "millrace";
import type { SqlReceipt } from "./claim.ts";

/** What only a SQL database knows of a delivery. */
export interface SqlDelivery {
  readonly offset: number;
  /** When it entered the log, RFC 3339 as its writer wrote it. */
  readonly createdAt: string;
}

/** The fields of `message.delivery` that a session adds; `sql` is read by `sqlDelivery` only. */
export function describe(receipt: SqlReceipt): { readonly position: string; readonly publishedAt: Date | undefined; readonly sql: SqlDelivery } {
  return {
    position: String(receipt.offset),
    publishedAt: timeOf(receipt.createdAt),
    sql: { offset: receipt.offset, createdAt: receipt.createdAt },
  };
}

/** What a `created_at` says; `undefined` for what is no time. */
export function timeOf(createdAt: string): Date | undefined {
  const time = Date.parse(createdAt);
  return Number.isNaN(time) ? undefined : new Date(time);
}

/** Offset and time of entry of a message from a `SqlPubSub`; `undefined` for any other message. */
export function sqlDelivery(message: ReceivedMessage): SqlDelivery | undefined {
  return (message.delivery as { readonly sql?: SqlDelivery }).sql;
}
