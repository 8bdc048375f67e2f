import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { DatabaseSync } from "node:sqlite";
import { statement } from "../database/statement.ts";
import type { Checked } from "./checked.ts";
import { Problem } from "./problem.ts";
import type { Reply } from "./reply.ts";

/** How long an answer is kept. */
export const KEPT_MS: number = 24 * 3_600_000;

export const IDEMPOTENCY_TABLES = `
  CREATE TABLE IF NOT EXISTS idempotency (
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body TEXT NOT NULL,
    kept_since INTEGER NOT NULL,
    PRIMARY KEY (route, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS idempotency_by_age ON idempotency (kept_since)`;

export interface IdempotentRequest {
  /** Method and path: the same key on another route is another request. */
  readonly route: string;
  readonly key: string;
  readonly fingerprint: string;
}

/** The answer given before under this key, if any. Throws 422 `idempotency_mismatch` when that was for another body. */
export function earlierReply(database: DatabaseSync, { route, key, fingerprint }: IdempotentRequest, nowMs: number): Reply | undefined {
  const row = statement(database, "SELECT fingerprint, status, headers, body FROM idempotency WHERE route = ? AND key = ? AND kept_since > ?").get(
    route,
    key,
    nowMs - KEPT_MS,
  );
  if (row === undefined) return undefined;
  if (row.fingerprint !== fingerprint) throw new Problem("idempotency_mismatch", "this Idempotency-Key was used for another body");
  return { status: Number(row.status), headers: JSON.parse(String(row.headers)) as Record<string, string>, body: String(row.body) };
}

/** Keeps an answer, in the transaction of its effect, and forgets those that are older than a day. */
export function keepReply(database: DatabaseSync, { route, key, fingerprint }: IdempotentRequest, reply: Reply, nowMs: number): void {
  statement(database, "DELETE FROM idempotency WHERE kept_since <= ?").run(nowMs - KEPT_MS);
  statement(database, "INSERT INTO idempotency (route, key, fingerprint, status, headers, body, kept_since) VALUES (?, ?, ?, ?, ?, ?, ?)").run(
    route,
    key,
    fingerprint,
    reply.status,
    JSON.stringify(reply.headers ?? {}),
    reply.body ?? "",
    nowMs,
  );
}

/**
 * Two bodies that mean the same (spaces, order and unknown fields aside) have the same fingerprint. No answer is kept for an
 * invalid body, so all of those share one that no valid body has.
 */
export function fingerprintOf<T>(checked: Checked<T>): string {
  if (checked.problem !== undefined) return "invalid";
  return createHash("sha256").update(JSON.stringify(checked.value)).digest("base64");
}

/** The `Idempotency-Key` of a request, if it has one. */
export function idempotencyKeyOf(incoming: IncomingMessage): string | undefined {
  const key = incoming.headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key !== "string" || key.length === 0 || key.length > 255) throw new Problem("malformed", "Idempotency-Key must hold 1 to 255 characters");
  return key;
}
