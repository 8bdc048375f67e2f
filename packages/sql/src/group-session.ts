import { type Delivery, type MaybePromise, MillraceError } from "millrace";
import { type Intake, laterTurn, monotonicMs, type Received, type Session, type Settlement } from "millrace/adapter";
import { Backlog } from "./backlog.ts";
import type { Claim, SqlReceipt } from "./claim.ts";
import { describe } from "./delivery.ts";
import type { Log } from "./dialect.ts";
import type { Exchange, Exchanged } from "./exchange.ts";
import { Exchanges } from "./exchanges.ts";
import type { GroupMember } from "./group-member.ts";
import { type GroupRules, tellNews } from "./group-rules.ts";
import { Hindrance } from "./hindrance.ts";
import { OnceTimer } from "./once-timer.ts";
import { takeGrant } from "./take-grant.ts";
import { UndecodableRows } from "./undecodable-rows.ts";

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
export class GroupSession implements Session<SqlReceipt> {
  readonly #intake: Intake<SqlReceipt>;
  readonly #rules: GroupRules;
  readonly #member: GroupMember;
  readonly #unwatch: () => void;
  readonly #backlog: Backlog;
  readonly #hindrance: Hindrance;
  readonly #undecodable: UndecodableRows;
  #wanted = 0;
  #stopped = true;
  #available = true;
  #changes = 0;
  /** Of those, the ones that were made before the last exchange. */
  #seen = 0;
  readonly #exchanges: Exchanges;
  #microtask = false;
  readonly #ride: OnceTimer = new OnceTimer();
  readonly #again: OnceTimer = new OnceTimer();
  readonly #renewal: OnceTimer = new OnceTimer();
  #closed = false;

  constructor(log: Log, intake: Intake<SqlReceipt>, rules: GroupRules, member: GroupMember) {
    this.#intake = intake;
    this.#rules = rules;
    this.#member = member;
    this.#hindrance = new Hindrance(intake);
    this.#undecodable = new UndecodableRows(intake, this.#hindrance, {
      onPassed: () => {
        if (!this.#stopped) this.#wanted++;
        this.#pull();
      },
      onSteppedOver: (receipt) => {
        this.#onSettled(receipt);
        this.#soon();
      },
    });
    this.#backlog = new Backlog(log, rules.group, member);
    this.#exchanges = new Exchanges({
      log,
      group: rules.group,
      collect: () => this.#collect(),
      takeIn: (exchanged, exchange, at) => this.#takeIn(exchanged, exchange, at),
      onFailure: () => this.#onFailure(),
      onFree: () => (member.hasNews ? this.#soon() : this.#pull()),
    });
    this.#unwatch = log.watch({
      topic: rules.group.topic,
      group: rules.group.name,
      onChange: () => this.#onChange(),
      onTrouble: (error) => this.#onTrouble(error),
    });
    if (member.hasNews) this.#soon();
  }

  want(count: number): void {
    this.#wanted = count;
    this.#stopped = count === 0;
    this.#pull();
  }

  settle(verdicts: readonly Settlement<SqlReceipt>[]): MaybePromise<void> {
    for (const verdict of verdicts) {
      const { receipt } = verdict.message;
      if (verdict.kind === "kept") this.#member.attempts.note(receipt, verdict.attempt);
      else this.#onSettled(receipt);
    }
    return this.#tell();
  }

  giveBack(messages: readonly Received<SqlReceipt>[]): void {
    for (const { receipt, attempt, notBeforeMs } of messages) {
      if (receipt.claim === undefined || receipt.state !== "held") continue;
      this.#member.attempts.noteReturn(receipt, attempt, notBeforeMs - monotonicMs());
      receipt.claim.giveBack(receipt);
      this.#member.outstanding--;
    }
    this.#available = true;
    if (!this.#closed) this.#soon();
  }

  holds({ receipt }: Received<SqlReceipt>): boolean {
    const { claim } = receipt;
    return claim !== undefined && monotonicMs() < claim.deadline;
  }

  describe({ receipt }: Received<SqlReceipt>): Partial<Delivery> {
    return describe(receipt);
  }

  caughtUp(): MaybePromise<boolean> {
    if (this.#exchanges.running !== undefined) return false;
    return this.#backlog.caughtUp();
  }

  lag(): number | undefined {
    return this.#backlog.lag();
  }

  oldestAt(): Date | undefined {
    return this.#backlog.oldestAt();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wanted = 0;
    this.#unwatch();
    this.#undecodable.close();
    for (const timer of [this.#ride, this.#again, this.#renewal]) timer.stop();
    this.#member.claims.giveUp();
    this.#member.outstanding = 0;
    await this.#exchanges.end();
    if (!this.#member.hasNews) return;
    try {
      await this.#exchange(CLOSE_PATIENCE_MS);
    } catch {
      // The database cannot be written to: the lease runs out by itself.
    }
  }

  // ── verdicts ──

  #onSettled(receipt: SqlReceipt): void {
    const { claim } = receipt;
    if (claim === undefined || receipt.state === "settled") return;
    if (receipt.state === "held") this.#member.outstanding--;
    claim.settle(receipt);
    if (receipt.kept > 0) this.#member.attempts.note(receipt, 0);
  }

  /** Verdicts are told at once; the want that is open rides along. Those given while an exchange waits for its turn go with it. */
  #tell(): MaybePromise<void> {
    const again = (): MaybePromise<void> => this.#tell();
    const { running } = this.#exchanges;
    if (running !== undefined) return running.then(again, again);
    if (this.#member.hasNews) return this.#exchange(PATIENCE_MS);
  }

  // ── fetching ──

  #onChange(): void {
    this.#changes++;
    this.#available = true;
    this.#pull();
  }

  #pull(): void {
    if (this.#wanted <= 0 || !this.#available || this.#closed || this.#exchanges.running !== undefined) return;
    if (this.#member.outstanding * 2 < this.#wanted) this.#soon();
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
    if ((this.#wanted > 0 && this.#available) || this.#member.hasNews) this.#attempt();
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
    const now = monotonicMs();
    this.#member.giveUpExpired(now);
    this.#seen = this.#changes;
    const reports = claims.reports(this.#renewTo(now));
    return { group, owner, leaseMs, reports, attempts: attempts.noted(), want: this.#closed ? 0 : this.#wanted, maxGap };
  }

  #takeIn(exchanged: Exchanged, { want, reports, attempts }: Exchange, at: number): void {
    const { claims } = this.#member;
    const deadline = at + this.#rules.leaseMs;
    this.#tellExpired();
    tellNews(this.#rules, exchanged);
    this.#member.attempts.written(attempts);
    this.#lose(claims.removeLost(exchanged.lost));
    claims.follow(exchanged, reports, deadline);
    this.#backlog.take(exchanged.standing);
    const count = exchanged.grants.reduce((sum, grant) => sum + grant.rows.length, 0);
    if (want > 0) {
      this.#wanted = Math.max(0, this.#wanted - count);
      if (!exchanged.more && this.#seen === this.#changes && count < want) this.#available = false;
    }
    const fresh = exchanged.grants.map((grant) => [claims.take(grant, deadline), grant] as const);
    claims.dropSettled(fresh.map(([claim]) => claim));
    this.#hindrance.group(exchanged.blocked);
    if (exchanged.blocked !== undefined) this.#tryAgain();
    if (claims.size > 0) this.#keepAlive();
    this.#member.outstanding += count;
    for (const [claim, grant] of fresh) takeGrant(claim, grant, this.#intake, this.#undecodable);
    if (this.#wanted > 0 && exchanged.more) laterTurn(() => this.#pull());
  }

  // ── leases ──

  /** Renews while something is held; a lease that ran out here is not taken up again, whoever holds it now. */
  #keepAlive(): void {
    this.#renewal.start(this.#rules.leaseMs / 3, () => {
      if (this.#closed || this.#member.claims.size === 0) return;
      this.#keepAlive();
      const now = monotonicMs();
      this.#member.giveUpExpired(now);
      this.#tellExpired();
      if (this.#exchanges.running === undefined && (this.#member.hasNews || this.#member.claims.firstDeadline <= this.#renewTo(now))) this.#attempt();
    });
  }

  /** A lease that ends by then is to be renewed: a third of it is over. */
  #renewTo(now: number): number {
    return now + (this.#rules.leaseMs * 2) / 3 + 10;
  }

  /** What was given up because its lease ran out is lost here, and free in the database if nobody has taken it yet. */
  #tellExpired(): void {
    const expired = this.#member.takeExpired();
    if (expired !== undefined) this.#intake.lose(({ receipt }) => receipt.claim !== undefined && expired.has(receipt.claim) && receipt.state === "returned");
  }

  #lose(claims: readonly Claim[]): void {
    if (claims.length === 0) return;
    const all = new Set(claims);
    for (const claim of claims) this.#member.giveUp(claim);
    this.#intake.lose(({ receipt }) => receipt.claim !== undefined && all.has(receipt.claim));
    this.#available = true;
  }

  // ── trouble ──

  #onFailure(): void {
    this.#tellExpired();
    if (!this.#closed) this.#tryAgain();
  }

  /** With nothing in hand the session ends, and the subscription opens another; else it lives as long as its leases do. */
  #onTrouble(error: unknown): void {
    if (this.#closed) return;
    this.#member.giveUpExpired(monotonicMs());
    this.#tellExpired();
    if (this.#member.outstanding === 0) {
      this.#intake.fail(error);
      return;
    }
    this.#hindrance.group(MillraceError.is(error) ? `${error.code}: ${error.message}` : String(error));
    this.#tryAgain();
  }

  #tryAgain(): void {
    this.#again.start(AGAIN_MS, () => {
      this.#available = true;
      if (!this.#closed && this.#exchanges.running === undefined) this.#attempt();
    });
  }
}
