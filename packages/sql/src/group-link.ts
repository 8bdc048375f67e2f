import { type MaybePromise, MillraceError } from "millrace";
import { laterTurn, monotonicMs, OnceTimer, type PullDesk, type Received, type Settlement, wallMs } from "millrace/adapter";
import { Backlog } from "./backlog.ts";
import { type Claim, SqlReceipt } from "./claim.ts";
import type { Log } from "./dialect.ts";
import type { Exchange, Exchanged, Grant } from "./exchange.ts";
import { Exchanges } from "./exchanges.ts";
import type { GroupMember } from "./group-member.ts";
import { type GroupRules, tellNews } from "./group-rules.ts";

const PATIENCE_MS = 30_000;
const CLOSE_PATIENCE_MS = 2_000;
/** How long a wish for more messages waits for verdicts to go in the same transaction. */
const RIDE_MS = 5;
/** While something holds the group up, or the database is in trouble. */
const AGAIN_MS = 250;

/**
 * One member's dealings with its group. Everything goes through `Exchanges`, one at a time: under load a batch of verdicts and the
 * next batch of messages share a transaction. Nothing is written while the member holds nothing.
 */
export class GroupLink {
  readonly backlog: Backlog;
  readonly #desk: PullDesk<SqlReceipt>;
  readonly #rules: GroupRules;
  readonly #member: GroupMember;
  readonly #unwatch: () => void;
  #available = true;
  #changes = 0;
  /** Of those, the ones that were made before the last exchange. */
  #seen = 0;
  readonly #exchanges: Exchanges;
  /** Their leases are to be renewed. */
  #renewing: ReadonlySet<Claim> = new Set();
  #microtask = false;
  readonly #ride: OnceTimer = new OnceTimer();
  readonly #again: OnceTimer = new OnceTimer();
  #closed = false;

  constructor(log: Log, desk: PullDesk<SqlReceipt>, rules: GroupRules, member: GroupMember) {
    this.#desk = desk;
    this.#rules = rules;
    this.#member = member;
    this.backlog = new Backlog(log, rules.group, member);
    this.#exchanges = new Exchanges({
      log,
      group: rules.group,
      collect: () => this.#collect(),
      takeIn: (exchanged, exchange, at) => this.#takeIn(exchanged, exchange, at),
      onFailure: () => {
        if (!this.#closed) this.#tryAgain();
      },
      onFree: () => (member.hasNews ? this.#soon() : this.pull()),
    });
    this.#unwatch = log.watch({
      topic: rules.group.topic,
      group: rules.group.name,
      onChange: () => {
        this.#changes++;
        this.#available = true;
        this.pull();
      },
      onTrouble: (error) => this.#onTrouble(error),
    });
    if (member.hasNews) this.#soon();
  }

  settle(verdicts: readonly Settlement<SqlReceipt>[]): MaybePromise<void> {
    for (const verdict of verdicts) {
      const { receipt } = verdict.message;
      if (verdict.kind === "kept") this.#member.attempts.note(receipt, verdict.attempt);
      else if (receipt.state !== "settled") {
        receipt.claim?.settle(receipt);
        if (receipt.kept > 0) this.#member.attempts.note(receipt, 0);
      }
    }
    return this.#tell(() => this.#member.hasNews);
  }

  release(messages: readonly Received<SqlReceipt>[]): void {
    for (const { receipt, attempt, notBeforeMs } of messages) {
      if (receipt.claim === undefined || receipt.state !== "held") continue;
      this.#member.attempts.noteReturn(receipt, attempt, notBeforeMs - monotonicMs());
      receipt.claim.giveBack(receipt);
    }
    this.goOn();
  }

  /** Something was given back: it is told, and there may be something to fetch. */
  goOn(): void {
    this.#available = true;
    if (!this.#closed) this.#soon();
  }

  renew(receipts: readonly SqlReceipt[]): MaybePromise<void> {
    this.#renewing = new Set(receipts.flatMap(({ claim }) => claim ?? []));
    return this.#tell(() => this.#renewing.size > 0);
  }

  caughtUp(): MaybePromise<boolean> {
    return this.#exchanges.running === undefined && this.backlog.caughtUp();
  }

  async close(final: boolean): Promise<void> {
    this.#closed = true;
    this.#unwatch();
    for (const timer of [this.#ride, this.#again]) timer.stop();
    await this.#exchanges.end();
    if (!final || !this.#member.hasNews) return;
    try {
      await this.#exchange(CLOSE_PATIENCE_MS);
    } catch {
      // The database cannot be written to: the lease runs out by itself.
    }
  }

  /** What is to be told goes at once; the want that is open rides along. What comes while an exchange waits for its turn goes with it. */
  #tell(isNew: () => boolean): MaybePromise<void> {
    const { running } = this.#exchanges;
    const again = (): MaybePromise<void> => this.#tell(isNew);
    if (running !== undefined) return running.then(again, again);
    if (isNew()) return this.#exchange(PATIENCE_MS);
  }

  // ── fetching ──

  /** Something is wanted, if there is something. */
  pull(): void {
    const { wanted } = this.#desk;
    if (wanted <= 0 || !this.#available || this.#closed || this.#exchanges.running !== undefined) return;
    if (this.#member.claims.held * 2 < wanted) this.#soon();
    else this.#ride.start(RIDE_MS, () => this.#run());
  }

  #soon(): void {
    if (this.#microtask) return;
    this.#microtask = true;
    queueMicrotask(() => {
      this.#microtask = false;
      this.#run();
    });
  }

  /** An exchange that nobody waits for. */
  #run(): void {
    if (this.#closed || this.#exchanges.running !== undefined) return;
    if ((this.#desk.wanted > 0 && this.#available) || this.#member.hasNews) this.#attempt();
  }

  #attempt(): void {
    try {
      const done = this.#exchange(PATIENCE_MS);
      if (done instanceof Promise) done.catch((error: unknown) => this.#onTrouble(error));
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  #exchange(patienceMs: number): MaybePromise<void> {
    this.#ride.stop();
    return this.#exchanges.make(patienceMs);
  }

  #collect(): Exchange {
    const { group, leaseMs, maxGap } = this.#rules;
    const { owner, claims, attempts } = this.#member;
    this.#seen = this.#changes;
    const reports = claims.reports(this.#renewing);
    return { group, owner, leaseMs, reports, attempts: attempts.noted(), want: this.#closed ? 0 : this.#desk.wanted, maxGap };
  }

  #takeIn(exchanged: Exchanged, { want, reports, attempts }: Exchange, at: number): void {
    const { claims } = this.#member;
    if (reports.some(({ renew }) => renew)) this.#renewing = new Set();
    this.#member.attempts.written(attempts);
    const lost = claims.removeLost(exchanged.lost);
    claims.follow(exchanged, reports);
    this.backlog.take(exchanged.standing);
    const receipts: SqlReceipt[] = [];
    const fresh = exchanged.grants.map((grant) => {
      const claim = claims.take(grant);
      enter(grant, claim, receipts);
      return claim;
    });
    claims.dropSettled(fresh);
    if (want > 0 && !exchanged.more && this.#seen === this.#changes && receipts.length < want) this.#available = false;
    this.#desk.take(receipts, at);
    // Whoever hears of a loss may give verdicts in the same moment, which make another exchange: all of this one is taken in by now.
    if (lost.length > 0) this.#desk.lose(this.#desk.ours().filter(({ claim }) => claim !== undefined && lost.includes(claim)));
    tellNews(this.#rules, exchanged);
    this.#desk.blocked(exchanged.blocked);
    if (exchanged.blocked !== undefined) this.#tryAgain();
    if (exchanged.more) laterTurn(() => this.pull());
  }

  // ── trouble ──

  /** With nothing in hand the link ends, and the subscription opens another; else it lives as long as its leases do. */
  #onTrouble(error: unknown): void {
    if (this.#closed) return;
    if (this.#member.claims.held === 0) {
      this.#desk.lost(error);
      return;
    }
    this.#desk.blocked(MillraceError.is(error) ? `${error.code}: ${error.message}` : String(error));
    this.#tryAgain();
  }

  #tryAgain(): void {
    this.#again.start(AGAIN_MS, () => {
      this.#available = true;
      if (!this.#closed && this.#exchanges.running === undefined) this.#attempt();
    });
  }
}

/** Enters what a grant brought into its claim, and adds it to `receipts`. All of it is entered before anything is handed out. */
function enter({ rows, attempts }: Grant, claim: Claim, receipts: SqlReceipt[]): void {
  for (const row of rows) {
    const kept = attempts?.get(row[0]);
    const receipt = new SqlReceipt(row, claim, kept?.attempt ?? 0);
    if (kept !== undefined) receipt.notBeforeMs = notBeforeMs(kept.dueMs);
    claim.add(receipt);
    receipts.push(receipt);
  }
}

/** A moment since the epoch on the monotonic clock; 0 for none, or one that is past. */
function notBeforeMs(dueMs: number): number {
  const inMs = dueMs === 0 ? 0 : dueMs - wallMs();
  return inMs > 0 ? monotonicMs() + inMs : 0;
}
