import { wallMs } from "millrace/adapter";
import type { ClaimReport, Exchange, Exchanged } from "../exchange.ts";
import { leaseOf } from "../lease-of.ts";
import { saveAttempts } from "./attempts.ts";
import { type ClaimRow, cutClaim, freshClaim, loadClaims, saveClaims } from "./claim-row.ts";
import { Claiming, type FetchLimit } from "./claiming.ts";
import type { Connection } from "./connection.ts";
import { loadGroup } from "./group-row.ts";
import type { LeaseWatch } from "./lease-watch.ts";
import { standingOf } from "./standing.ts";
import { grantOf } from "./taken.ts";
import type { TopicStatements } from "./topic-statements.ts";
import { Turns } from "./turns.ts";

/**
 * One member's exchange with its group: takes in what it settled, gives it something new, moves the group's position to the end
 * of the settled prefix. Runs inside a write transaction, so no other member, and no writer, can come between.
 */
export class GroupExchange {
  readonly #connection: Connection;
  readonly #exchange: Exchange;
  readonly #topic: TopicStatements;
  readonly #now: number = wallMs();
  readonly #groupId: number;
  /** What we wrote into Watermill's lock column last. */
  readonly #ourLock: number;
  #acked: number;
  readonly #ackedBefore: number;
  readonly #lock: number;
  readonly #turns: Turns;
  #rows: ClaimRow[];
  readonly #lost: number[] = [];
  readonly #renewed: number[] = [];
  readonly #reported: Set<ClaimRow> = new Set();
  readonly #cuts: Map<number, ClaimRow[]> = new Map();
  readonly #claiming: Claiming;
  #blocked: string | undefined;

  constructor(connection: Connection, exchange: Exchange, topic: TopicStatements, limits: FetchLimit, leases: LeaseWatch) {
    this.#connection = connection;
    this.#exchange = exchange;
    this.#topic = topic;
    const { group } = exchange;
    const row = loadGroup(connection, topic, group);
    this.#acked = row.acked;
    this.#ackedBefore = row.acked;
    this.#lock = row.lock;
    this.#groupId = row.id;
    this.#ourLock = row.ourLock;
    this.#turns = new Turns(row.turns, this.#now);
    this.#rows = loadClaims(connection, this.#groupId);
    this.#claiming = new Claiming({
      exchange,
      topic,
      limits,
      leases,
      reported: this.#reported,
      lend: (row) => this.#lend(row),
      renewed: this.#renewed,
      advance: () => this.#advance(),
    });
  }

  run(): Omit<Exchanged, "begunAnew"> {
    const { reports } = this.#exchange;
    if (this.#lock !== this.#ourLock) {
      // A member written for Watermill has taken the group since: nothing of what we hold is ours any more.
      this.#turns.seen(this.#acked);
      if (this.#lock >= Math.floor(this.#now / 1000))
        return this.#standBack(`a Watermill member holds the group until ${new Date(this.#lock * 1000).toISOString()}`);
      for (const row of this.#rows) this.#free(row);
    }
    this.#followPosition();
    for (const report of reports) this.#takeIn(report);
    saveAttempts(this.#connection, this.#groupId, this.#exchange.attempts);
    this.#advance();
    if (this.#exchange.want > 0) this.#claimInTurn();
    this.#advance();
    this.#write();
    return {
      lost: this.#lost,
      renewed: this.#renewed,
      cut: this.#cuts.size === 0 ? undefined : new Map([...this.#cuts].map(([id, rows]) => [id, rows.map((row) => row.id)])),
      grants: this.#claiming.taken.map((taken) => grantOf(this.#connection, this.#groupId, taken)),
      more: this.#claiming.more,
      blocked: this.#blocked,
      standing: standingOf(this.#topic, this.#acked, this.#rows, this.#exchange.owner),
      moved: this.#acked !== this.#ackedBefore,
      shared: this.#turns.shared,
    };
  }

  #standBack(blocked: string): Omit<Exchanged, "begunAnew"> {
    const lost = this.#exchange.reports.map(({ id }) => id);
    this.#writeTurns();
    const standing = standingOf(this.#topic, this.#acked, [], this.#exchange.owner); // its claims are void once the other member has moved on
    return { lost, renewed: [], cut: undefined, grants: [], more: false, blocked, standing, moved: false, shared: true };
  }

  #free(row: ClaimRow): void {
    row.owner = null;
    row.epoch++;
    row.leaseUntil = 0;
    row.changed = true;
  }

  /** Somebody else may have moved the group's position: forward (a Watermill member, or by hand), or back (by hand). */
  #followPosition(): void {
    const head = this.#rows[0];
    if (head === undefined || head.settledTo === this.#acked) return;
    const rewound = head.settledTo > this.#acked;
    for (const row of this.#rows) {
      if (rewound || row.upto <= this.#acked) row.deleted = true;
      else if (row.settledTo < this.#acked) {
        row.settledTo = this.#acked;
        row.changed = true;
      }
    }
    saveClaims(
      this.#connection,
      this.#groupId,
      this.#rows.filter(({ deleted }) => deleted),
    );
    this.#rows = this.#rows.filter(({ deleted }) => !deleted);
  }

  #takeIn(report: ClaimReport): void {
    const row = this.#rows.find(({ id }) => id === report.id);
    if (row === undefined || row.deleted || row.owner !== this.#exchange.owner || row.epoch !== report.epoch) {
      this.#lost.push(report.id);
      return;
    }
    this.#reported.add(row);
    this.#freeUntold(row, report);
    this.#absolve(row);
    const [part] = report.parts;
    if (part !== undefined && report.parts.length === 1 && part.keep) {
      if (part.settledTo > row.settledTo || part.done !== row.done) {
        row.settledTo = Math.max(row.settledTo, part.settledTo);
        row.done = part.done;
        row.changed = true;
      }
      this.#renew(row, report.renew);
      return;
    }
    const { owner, leaseMs } = this.#exchange;
    const parts = report.parts.map(({ after, upto, settledTo, done, keep }) =>
      freshClaim(after, upto, {
        settledTo: Math.max(settledTo, Math.min(row.settledTo, upto)),
        done,
        owner: keep ? owner : null,
        epoch: 1,
        leaseUntil: keep ? this.#now + leaseMs : 0,
        deaths: row.deaths,
      }),
    );
    row.deleted = true;
    this.#rows.splice(this.#rows.indexOf(row) + 1, 0, ...parts);
    const kept = parts.filter((each) => each.owner !== null);
    for (const each of kept) this.#reported.add(each);
    this.#cuts.set(report.id, kept);
  }

  /** A commit may have lasted though it failed: what was added to the claim then is not known to its owner, who would step over it. */
  #freeUntold(row: ClaimRow, { parts }: ClaimReport): void {
    const known = parts.at(-1)?.upto ?? row.upto;
    if (known < row.upto) this.#rows.splice(this.#rows.indexOf(row) + 1, 0, cutClaim(row, known));
  }

  /** Its owner lives, and has judged what is in it, or given it back with the number of its next attempt. */
  #absolve(row: ClaimRow): void {
    if (row.deaths === 0) return;
    for (const offset of this.#exchange.attempts.keys()) {
      if (offset <= row.after || offset > row.upto) continue;
      row.deaths = 0;
      row.changed = true;
      return;
    }
  }

  /** A lease is written anew when the member asks for it, or along with a change. */
  #renew(row: ClaimRow, asked: boolean): void {
    if (!row.changed && !asked) return;
    this.#lend(row);
    this.#renewed.push(row.id);
  }

  /** Whoever watches the claim has to see that it was renewed, also where the clock on the wall has gone back. */
  #lend(row: ClaimRow): void {
    const until = this.#now + this.#exchange.leaseMs;
    row.leaseUntil = until === row.leaseUntil ? until + 1 : until;
    row.changed = true;
  }

  /** Moves the position over all claims at the head that are wholly settled; answers where it is. */
  #advance(): number {
    for (const row of this.#rows) {
      if (row.deleted) continue;
      if (row.settledTo > this.#acked) this.#acked = row.settledTo;
      if (row.settledTo < row.upto) break;
    }
    return this.#acked;
  }

  /** Members of ours held the group when the exchange began. */
  get #held(): boolean {
    return this.#lock !== 0 && this.#lock === this.#ourLock;
  }

  #claimInTurn(): void {
    this.#blocked = this.#turns.mayNotClaim(this.#acked, this.#held);
    if (this.#blocked !== undefined) return;
    this.#claiming.run(this.#rows);
    this.#blocked = this.#claiming.blocked;
  }

  #write(): void {
    for (const row of this.#rows) {
      if (row.deleted) continue;
      if (row.settledTo < row.upto) break;
      row.deleted = true;
    }
    saveClaims(this.#connection, this.#groupId, this.#rows);
    this.#rows = this.#rows.filter(({ deleted }) => !deleted);
    // Watermill's lock, in its unit: set while members of ours are at work, so that no member of its own takes the group meanwhile.
    let lease = 0;
    for (const { owner, leaseUntil } of this.#rows)
      if (owner !== null && leaseUntil >= this.#now) lease = Math.max(lease, Math.min(leaseUntil, this.#now + leaseOf(owner)));
    const lock = Math.floor(lease / 1000);
    const { group } = this.#exchange;
    if (this.#acked !== this.#ackedBefore || lock !== this.#lock) this.#topic.savePosition.run(this.#acked, lock, group.name);
    if (lock !== this.#ourLock) this.#connection.statement("UPDATE millrace_groups SET locked_until = ? WHERE id = ?").run(lock, this.#groupId);
    this.#turns.leave(this.#acked, { before: this.#held, now: lock !== 0 });
    this.#writeTurns();
  }

  #writeTurns(): void {
    const { news } = this.#turns;
    if (news !== undefined) this.#connection.statement("UPDATE millrace_groups SET turns = ? WHERE id = ?").run(news, this.#groupId);
  }
}
