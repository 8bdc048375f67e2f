import { type Delivery, type MaybePromise, MillraceError } from "millrace";
import { type Intake, laterTurn, monotonicMs, type Received, type Session, type Settlement, sleep } from "millrace/adapter";
import { AttemptBook } from "./attempt-book.ts";
import { Backlog } from "./backlog.ts";
import type { Claim, SqlReceipt } from "./claim.ts";
import { describe } from "./delivery.ts";
import type { Log } from "./dialect.ts";
import type { ClaimReport, Exchanged } from "./exchange.ts";
import type { GroupSourceRules } from "./group-source.ts";
import { HeldClaims } from "./held-claims.ts";
import { OnceTimer } from "./once-timer.ts";
import { takeGrant } from "./take-grant.ts";

const PATIENCE_MS = 30_000;
const CLOSE_PATIENCE_MS = 2_000;
/** How long a wish for more messages waits for verdicts to go in the same transaction. */
const RIDE_MS = 5;
/** While something holds the group up, or the database is in trouble. */
const AGAIN_MS = 250;

/**
 * One member's dealings with its group. Everything goes through `exchange`, one at a time: under load a batch of verdicts and the
 * next batch of messages share a transaction. Nothing is written while the member holds nothing.
 */
export class GroupSession implements Session<SqlReceipt> {
  readonly #log: Log;
  readonly #intake: Intake<SqlReceipt>;
  readonly #rules: GroupSourceRules;
  readonly #owner: string = globalThis.crypto.randomUUID();
  readonly #unwatch: () => void;
  readonly #claims: HeldClaims = new HeldClaims();
  readonly #attempts: AttemptBook = new AttemptBook();
  readonly #backlog: Backlog;
  #wanted = 0;
  /** Handed to the subscription and not settled. */
  #outstanding = 0;
  #available = true;
  #changes = 0;
  #blocked = false;
  #steppedOver = false;
  #running: Promise<void> | undefined;
  #microtask = false;
  readonly #ride: OnceTimer = new OnceTimer();
  readonly #again: OnceTimer = new OnceTimer();
  readonly #renewal: OnceTimer = new OnceTimer();
  #renewedAt = 0;
  #closed = false;

  constructor(log: Log, intake: Intake<SqlReceipt>, rules: GroupSourceRules) {
    this.#log = log;
    this.#intake = intake;
    this.#rules = rules;
    this.#backlog = new Backlog(log, rules.group, this.#owner, this.#claims);
    this.#unwatch = log.watch({
      topic: rules.group.topic,
      group: rules.group.name,
      onChange: () => this.#onChange(),
      onTrouble: (error) => this.#onTrouble(error),
    });
  }

  want(count: number): void {
    this.#wanted = count;
    this.#pull();
  }

  settle(verdicts: readonly Settlement<SqlReceipt>[]): MaybePromise<void> {
    for (const verdict of verdicts) {
      const { receipt } = verdict.message;
      if (verdict.kind === "kept") this.#attempts.note(receipt, verdict.attempt);
      else this.#onSettled(receipt);
    }
    if (this.#running !== undefined) return this.#running.catch(() => {}).then(() => this.#tell(verdicts.length));
    return this.#tell(verdicts.length);
  }

  giveBack(messages: readonly Received<SqlReceipt>[]): void {
    for (const { receipt, attempt, notBeforeMs } of messages) {
      if (receipt.claim === undefined || receipt.state !== "held") continue;
      this.#attempts.noteReturn(receipt, attempt, notBeforeMs - monotonicMs());
      receipt.claim.giveBack(receipt);
      this.#outstanding--;
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
    if (this.#running !== undefined) return false;
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
    for (const timer of [this.#ride, this.#again, this.#renewal]) timer.stop();
    if (this.#running !== undefined) await Promise.race([this.#running.catch(() => {}), sleep(CLOSE_PATIENCE_MS)]);
    this.#claims.giveUp();
    if (this.#claims.size === 0 || this.#running !== undefined) return;
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
    if (receipt.state === "held") this.#outstanding--;
    claim.settle(receipt);
    if (receipt.kept > 0) this.#attempts.note(receipt, 0);
  }

  /** Verdicts are told at once; the want that is open rides along. */
  #tell(count: number): MaybePromise<void> {
    if (count === 0 && !this.#hasNews) return;
    if (this.#claims.size === 0 && this.#attempts.size === 0) return;
    return this.#exchange(PATIENCE_MS);
  }

  // ── fetching ──

  #onChange(): void {
    this.#changes++;
    this.#available = true;
    this.#pull();
  }

  #pull(): void {
    if (this.#wanted <= 0 || !this.#available || this.#closed || this.#running !== undefined) return;
    if (this.#outstanding * 2 < this.#wanted) this.#soon();
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
    if (this.#closed || this.#running !== undefined) return;
    if ((this.#wanted > 0 && this.#available) || this.#hasNews) this.#attempt();
  }

  /** The database does not know yet what was given back, stepped over or tried. */
  get #hasNews(): boolean {
    return this.#steppedOver || this.#attempts.size > 0 || this.#claims.hasReturned;
  }

  #attempt(): void {
    try {
      const done = this.#exchange(PATIENCE_MS);
      if (done instanceof Promise) done.catch((error: unknown) => this.#onTrouble(error));
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  /** One exchange at a time; synchronous when the database is free. */
  #exchange(patienceMs: number): MaybePromise<void> {
    this.#ride.stop();
    const began = monotonicMs();
    this.#dropExpired(began);
    const { group, leaseMs, maxGap } = this.#rules;
    const attempts = this.#attempts.take();
    this.#steppedOver = false;
    const reports = this.#claims.reports();
    const changes = this.#changes;
    const want = this.#closed ? 0 : this.#wanted;
    const onDone = (exchanged: Exchanged): void => this.#takeIn(exchanged, reports, began, want, changes);
    const onError = (error: unknown): never => {
      this.#attempts.putBack(attempts);
      throw error;
    };
    let done: MaybePromise<Exchanged>;
    try {
      done = this.#log.exchange({ group, owner: this.#owner, leaseMs, reports, attempts, want, maxGap, patienceMs });
    } catch (error) {
      return onError(error);
    }
    if (!(done instanceof Promise)) return onDone(done);
    this.#running = done.then(onDone, onError).finally(() => {
      this.#running = undefined;
      if (this.#hasNews) this.#soon();
      else this.#pull();
    });
    return this.#running;
  }

  #takeIn(exchanged: Exchanged, reports: readonly ClaimReport[], began: number, want: number, changes: number): void {
    const deadline = began + this.#rules.leaseMs;
    this.#lose(this.#claims.removeLost(exchanged.lost));
    this.#claims.follow(exchanged, reports, deadline);
    this.#backlog.take(exchanged.standing);
    const count = exchanged.grants.reduce((sum, grant) => sum + grant.rows.length, 0);
    if (want > 0) {
      this.#wanted = Math.max(0, this.#wanted - count);
      if (!exchanged.more && changes === this.#changes && count < want) this.#available = false;
    }
    const fresh = exchanged.grants.map((grant) => [this.#claims.take(grant, deadline), grant] as const);
    this.#claims.dropSettled(fresh.map(([claim]) => claim));
    this.#showBlocked(exchanged.blocked);
    this.#renewedAt = began;
    if (this.#claims.size > 0) this.#keepAlive();
    this.#outstanding += count;
    for (const [claim, grant] of fresh)
      takeGrant(claim, grant, this.#intake, (receipt, error) => (error === undefined ? this.#stepOver(receipt) : this.#onTrouble(error)));
    if (this.#wanted > 0 && exchanged.more) laterTurn(() => this.#pull());
  }

  #stepOver(receipt: SqlReceipt): void {
    this.#wanted++;
    this.#onSettled(receipt);
    this.#steppedOver = true;
    this.#soon();
  }

  // ── leases ──

  /** Renews while something is held; a lease that ran out here is not taken up again, whoever holds it now. */
  #keepAlive(): void {
    this.#renewal.start(this.#rules.leaseMs / 3, () => {
      if (this.#closed || this.#claims.size === 0) return;
      this.#keepAlive();
      const now = monotonicMs();
      const expired = this.#claims.expired(now).length > 0;
      if (this.#running === undefined && (expired || now - this.#renewedAt >= this.#rules.leaseMs / 3 - 10)) this.#attempt();
      else if (expired) this.#dropExpired(now);
    });
  }

  /** What is still unsettled in them may be another's: it is lost here, and free in the database if it is not taken yet. */
  #dropExpired(now: number): void {
    const expired = this.#claims.expired(now);
    if (expired.length === 0) return;
    const all = new Set(expired);
    this.#intake.lose(({ receipt }) => receipt.claim !== undefined && all.has(receipt.claim) && receipt.state === "held");
    for (const claim of expired) this.#outstanding -= claim.giveUp();
  }

  #lose(claims: readonly Claim[]): void {
    if (claims.length === 0) return;
    const all = new Set(claims);
    for (const claim of claims) this.#outstanding -= claim.giveUp();
    this.#intake.lose(({ receipt }) => receipt.claim !== undefined && all.has(receipt.claim));
    this.#available = true;
  }

  #showBlocked(detail: string | undefined): void {
    if (detail !== undefined || this.#blocked) this.#intake.blocked(detail);
    this.#blocked = detail !== undefined;
    if (detail !== undefined) this.#tryAgain();
  }

  /** With nothing in hand the session ends, and the subscription opens another; else it lives as long as its leases do. */
  #onTrouble(error: unknown): void {
    if (this.#closed) return;
    this.#dropExpired(monotonicMs());
    if (this.#outstanding === 0) {
      this.#intake.fail(error);
      return;
    }
    this.#blocked = true;
    this.#intake.blocked(MillraceError.is(error) ? `${error.code}: ${error.message}` : String(error));
    this.#tryAgain();
  }

  #tryAgain(): void {
    this.#again.start(AGAIN_MS, () => {
      this.#available = true;
      if (!this.#closed && this.#running === undefined) this.#attempt();
    });
  }
}
