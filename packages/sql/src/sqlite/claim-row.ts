import { clipRanges, parseRanges } from "../offset-ranges.ts";
import type { Connection } from "./connection.ts";

/** A row of `millrace_claims` in hand, with what has become of it within the transaction. */
export interface ClaimRow {
  /** 0: not in the table yet. */
  id: number;
  after: number;
  upto: number;
  settledTo: number;
  done: string;
  owner: string | null;
  epoch: number;
  leaseUntil: number;
  /** Owners that died, one after the other, with what is unsettled in it. */
  deaths: number;
  changed: boolean;
  deleted: boolean;
}

type Columns = [
  id: number,
  after: number,
  upto: number,
  settledTo: number,
  done: string,
  owner: string | null,
  epoch: number,
  leaseUntil: number,
  deaths: number,
];

/** After so many deaths what is in a claim is handed out one by one: from then on it is counted who was in hand. */
export const SUSPECT_AFTER = 3;

/**
 * The claims of a group, in order. Together they cover everything between the group's position and the last offset that any
 * member has claimed, without a gap.
 */
export function loadClaims(connection: Connection, groupId: number): ClaimRow[] {
  const rows = connection
    .statement(
      "SELECT id, after_offset, upto_offset, settled_to, done, owner, epoch, lease_until, deaths FROM millrace_claims WHERE group_id = ? ORDER BY after_offset",
    )
    .all(groupId) as Columns[];
  return rows.map(([id, after, upto, settledTo, done, owner, epoch, leaseUntil, deaths]) => ({
    id,
    after,
    upto,
    settledTo,
    done,
    owner,
    epoch,
    leaseUntil,
    deaths,
    changed: false,
    deleted: false,
  }));
}

/** Those that still hold when the group's position is `acked`: others may have moved it, forward (a Watermill member) or back (by hand). */
export function claimsAt(acked: number, rows: readonly ClaimRow[]): readonly ClaimRow[] {
  const head = rows[0];
  if (head === undefined || head.settledTo === acked) return rows;
  if (head.settledTo > acked) return [];
  return rows.filter(({ upto }) => upto > acked).map((row) => (row.settledTo < acked ? { ...row, settledTo: acked } : row));
}

/** Offsets of a claim that are not settled. */
export function unsettledIn({ settledTo, upto, done }: Pick<ClaimRow, "settledTo" | "upto" | "done">): number {
  let count = upto - settledTo;
  for (const [from, to] of parseRanges(done)) count -= Math.max(0, Math.min(to, upto) - Math.max(from, settledTo + 1) + 1);
  return count;
}

export function freshClaim(after: number, upto: number, changes: Partial<ClaimRow> = {}): ClaimRow {
  return { id: 0, after, upto, settledTo: after, done: "", owner: null, epoch: 1, leaseUntil: 0, deaths: 0, changed: true, deleted: false, ...changes };
}

export function saveClaims(connection: Connection, groupId: number, rows: readonly ClaimRow[]): void {
  for (const row of rows) {
    if (row.deleted) {
      if (row.id !== 0) connection.statement("DELETE FROM millrace_claims WHERE id = ?").run(row.id);
    } else if (row.id === 0) {
      const [id] = connection
        .statement(
          "INSERT INTO millrace_claims (group_id, after_offset, upto_offset, settled_to, done, owner, epoch, lease_until, deaths) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .get(groupId, row.after, row.upto, row.settledTo, row.done, row.owner, row.epoch, row.leaseUntil, row.deaths) as [number];
      row.id = id;
    } else if (row.changed) {
      connection
        .statement("UPDATE millrace_claims SET upto_offset = ?, settled_to = ?, done = ?, owner = ?, epoch = ?, lease_until = ?, deaths = ? WHERE id = ?")
        .run(row.upto, row.settledTo, row.done, row.owner, row.epoch, row.leaseUntil, row.deaths, row.id);
    }
  }
}

/** Shortens `row` to end at `at` and answers the rest, which nobody owns. */
export function cutClaim(row: ClaimRow, at: number): ClaimRow {
  const rest = freshClaim(at, row.upto, { settledTo: Math.max(at, row.settledTo), done: clipRanges(row.done, at, row.upto), deaths: row.deaths });
  row.done = clipRanges(row.done, row.after, at);
  row.upto = at;
  row.changed = true;
  return rest;
}
