import type { StoredRow } from "../dialect.ts";
import type { Exchange } from "../exchange.ts";
import { type ClaimRow, cutClaim, freshClaim, SUSPECT_AFTER } from "./claim-row.ts";
import type { LeaseWatch } from "./lease-watch.ts";
import type { Taken } from "./taken.ts";
import type { TopicStatements } from "./topic-statements.ts";
import { unsettledRows } from "./unsettled-rows.ts";

/** Most messages fetched in one transaction; adapts to their size. */
export interface FetchLimit {
  limit(topic: string): number;
  fetched(topic: string, rows: readonly StoredRow[], limit: number): void;
}

export interface ClaimingRules {
  readonly exchange: Exchange;
  readonly topic: TopicStatements;
  readonly limits: FetchLimit;
  readonly leases: LeaseWatch;
  /** Claims that the member holds. */
  readonly reported: Set<ClaimRow>;
  /** Ids of claims whose lease was renewed. */
  readonly renewed: number[];
  lend(row: ClaimRow): void;
  /** Moves the group's position as far as all is settled, and answers it. */
  advance(): number;
}

/**
 * What a member is given in an exchange, in the order of the log: first what others gave back or left behind, then what is new.
 * One of the messages in a claim whose owners died one after the other may be what kills them. So they are handed out one by one,
 * and nothing newer meanwhile: what kills a process is found, and the number of its attempts is known.
 */
export class Claiming {
  readonly #rules: ClaimingRules;
  readonly taken: Taken[] = [];
  more = false;
  /** Why nothing is given though there may be something. */
  blocked: string | undefined;
  #rows: ClaimRow[] = [];

  constructor(rules: ClaimingRules) {
    this.#rules = rules;
  }

  run(rows: ClaimRow[]): void {
    this.#rows = rows;
    const { exchange, reported, advance } = this.#rules;
    const suspect = rows.find((row) => isSuspect(row) && reported.has(row));
    if (suspect !== undefined) {
      this.blocked = `offset ${suspect.upto} was in the hands of ${suspect.deaths} members that died, so it is handled alone`;
      return;
    }
    let want = exchange.want;
    for (const row of [...rows]) {
      if (want <= 0) return;
      if (!isOpen(row) || !this.#isFree(row)) continue;
      want -= this.#takeOver(row, want);
      if (this.more || isSuspect(row)) return; // what is newer comes after the rest of it
    }
    const acked = advance();
    if (want > 0) this.#takeNew(want, acked);
  }

  #isFree(row: ClaimRow): boolean {
    const { exchange, reported, leases } = this.#rules;
    if (row.owner === null) return true;
    if (row.owner === exchange.owner) return !reported.has(row);
    if (leases.look({ ...row, owner: row.owner }) !== "over") return false;
    row.deaths++;
    return true;
  }

  /** What is unsettled of a claim that nobody holds, as far as wanted. */
  #takeOver(row: ClaimRow, want: number): number {
    const { topic } = this.#rules;
    const limit = isSuspect(row) ? 1 : this.#limit(want);
    const found = unsettledRows(topic, row, limit);
    this.#fetched(found, limit);
    const last = found.at(-1);
    if (last === undefined) {
      row.settledTo = row.upto;
      row.changed = true;
      return 0;
    }
    if (found.length === limit && last[0] < row.upto) {
      this.#rows.splice(this.#rows.indexOf(row) + 1, 0, cutClaim(row, last[0]));
      this.more = true;
    }
    this.#own(row);
    this.taken.push({ row, rows: found, extends: false });
    return found.length;
  }

  #own(row: ClaimRow): void {
    const { exchange, reported, lend } = this.#rules;
    row.owner = exchange.owner;
    row.epoch++;
    lend(row);
    reported.add(row);
  }

  #takeNew(want: number, acked: number): void {
    const { exchange, topic, reported, renewed, lend } = this.#rules;
    const { owner, maxGap } = exchange;
    const cursor = this.#rows.at(-1)?.upto ?? acked;
    const gapEnd = Math.max(acked + maxGap, cursor);
    const limit = this.#limit(want);
    const tail = this.#rows.findLast(({ deleted }) => !deleted);
    const unsettled = tail !== undefined && acked < cursor;
    // Without anything unsettled the gap is empty, however far away the next message is.
    const rows = topic.range.all(cursor, unsettled ? gapEnd : Number.MAX_SAFE_INTEGER, limit) as StoredRow[];
    this.#fetched(rows, limit);
    const last = rows.at(-1);
    if (last === undefined) {
      if (unsettled && cursor >= gapEnd) this.blocked = `offset ${acked + 1} is unsettled, and ${maxGap} messages past it have been claimed`;
      return;
    }
    this.more ||= rows.length === limit;
    const first = (rows[0] as StoredRow)[0];
    if (tail !== undefined && tail.owner === owner && reported.has(tail) && tail.deaths === 0) {
      if (tail.settledTo === tail.upto) tail.settledTo = first - 1; // there is nothing in between
      tail.upto = last[0];
      lend(tail);
      if (!renewed.includes(tail.id)) renewed.push(tail.id);
      const taken = this.taken.find(({ row }) => row === tail);
      if (taken === undefined) this.taken.push({ row: tail, rows, extends: true });
      else this.taken.splice(this.taken.indexOf(taken), 1, { ...taken, rows: [...taken.rows, ...rows] });
      return;
    }
    const row = freshClaim(cursor, last[0], { settledTo: first - 1, owner });
    lend(row);
    this.#rows.push(row);
    reported.add(row);
    this.taken.push({ row, rows, extends: false });
  }

  #limit(want: number): number {
    const { limits, exchange } = this.#rules;
    return Math.min(want, limits.limit(exchange.group.topic));
  }

  #fetched(rows: readonly StoredRow[], limit: number): void {
    const { limits, exchange } = this.#rules;
    if (limit > 1) limits.fetched(exchange.group.topic, rows, limit);
  }
}

function isOpen({ deleted, settledTo, upto }: ClaimRow): boolean {
  return !deleted && settledTo < upto;
}

function isSuspect(row: ClaimRow): boolean {
  return row.deaths >= SUSPECT_AFTER && isOpen(row);
}
