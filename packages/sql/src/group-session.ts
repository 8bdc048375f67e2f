import { type Delivery, type MaybePromise, MillraceError } from "millrace";
import { type Intake, laterTurn, monotonicMs, type Received, type Session, type Settlement, sleep } from "millrace/adapter";
import { Backlog } from "./backlog.ts";
import type { Claim, SqlReceipt } from "./claim.ts";
import { describe } from "./delivery.ts";
import type { Log } from "./dialect.ts";
import type { Exchange, Exchanged } from "./exchange.ts";
import type { GroupMember } from "./group-member.ts";
import type { GroupSourceRules } from "./group-source.ts";
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
 * next batch of messages share a transaction. What there is to tell is looked up in the transaction itself, so that nothing which
 * happens while the database is locked is left out. Nothing is written while the member holds nothing.
 */
export class GroupSession implements Session<SqlReceipt> {
  readonly #log: Log;
  readonly #intake: Intake<SqlReceipt>;
  readonly #rules: GroupSourceRules;
  readonly #member: GroupMember;
  readonly #unwatch: () => void;
  readonly #backlog: Backlog;
  #wanted = 0;
  #available = true;
  #changes = 0;
  #blocked = false;
  #running: Promise<void> | undefined;
  #microtask = false;
  readonly #ride: OnceTimer = new OnceTimer();
  readonly #again: OnceTimer = new OnceTimer();
  readonly #renewal: OnceTimer = new OnceTimer();
  #closed = false;
  /** Whoever closes has waited long enough for the exchange that is under way. */
  #abandoned = false;

  constructor(log: Log, intake: Intake<SqlReceipt>, rules: GroupSourceRules, member: GroupMember) {
    this.#log = log;
    this.#intake = intake;
    this.#rules = rules;
    this.#member = member;
    this.#backlog = new Backlog(log, rules.group, member);
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
    this.#member.claims.giveUp();
    this.#member.outstanding = 0;
    await this.#endRunning();
    if (!this.#member.hasNews) return;
    try {
      await this.#exchange(CLOSE_PATIENCE_MS);
    } catch {
      // The database cannot be written to: the lease runs out by itself.
    }
  }

  /** No exchange goes on behind a closed session. */
  async #endRunning(): Promise<void> {
    if (this.#running === undefined) return;
    const ended = new AbortController();
    const late = sleep(CLOSE_PATIENCE_MS, ended.signal).then(
      () => {
        this.#abandoned = true;
      },
      () => {},
    );
    await this.#running.catch(() => {});
    ended.abort();
    await late;
    this.#abandoned = false;
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
    if (this.#running !== undefined) return this.#running.then(again, again);
    if (this.#member.hasNews) return this.#exchange(PATIENCE_MS);
  }

  // ── fetching ──

  #onChange(): void {
    this.#changes++;
    this.#available = true;
    this.#pull();
  }

  #pull(): void {
    if (this.#wanted <= 0 || !this.#available || this.#closed || this.#running !== undefined) return;
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
    if (this.#closed || this.#running !== undefined) return;
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

  /** Called only while none is under way. Synchronous when the database is free. */
  #exchange(patienceMs: number): MaybePromise<void> {
    this.#ride.stop();
    let told: Told | undefined;
    const onDone = (exchanged: Exchanged): void => this.#takeIn(exchanged, told as Told);
    const onError = (error: unknown): never => {
      this.#tellExpired();
      if (!this.#closed) this.#tryAgain();
      throw error;
    };
    let done: MaybePromise<Exchanged>;
    try {
      done = this.#log.exchange({
        group: this.#rules.group,
        patienceMs,
        check: () => {
          if (this.#abandoned) throw new MillraceError("the session was closed meanwhile", { code: "CLOSED" });
        },
        collect: () => (told = this.#collect()).exchange,
      });
    } catch (error) {
      return onError(error);
    }
    if (!(done instanceof Promise)) return onDone(done);
    this.#running = done.then(onDone, onError).finally(() => {
      this.#running = undefined;
    });
    this.#running.then(
      () => (this.#member.hasNews ? this.#soon() : this.#pull()),
      () => {},
    );
    return this.#running;
  }

  #collect(): Told {
    const { group, leaseMs, maxGap } = this.#rules;
    const { owner, claims, attempts } = this.#member;
    const at = monotonicMs();
    this.#member.giveUpExpired(at);
    const want = this.#closed ? 0 : this.#wanted;
    return { at, changes: this.#changes, exchange: { group, owner, leaseMs, reports: claims.reports(), attempts: attempts.noted(), want, maxGap } };
  }

  #takeIn(exchanged: Exchanged, { at, changes, exchange }: Told): void {
    const { claims, attempts } = this.#member;
    const { want, reports } = exchange;
    const deadline = at + this.#rules.leaseMs;
    this.#tellExpired();
    attempts.written(exchange.attempts);
    this.#lose(claims.removeLost(exchanged.lost));
    claims.follow(exchanged, reports, deadline);
    this.#backlog.take(exchanged.standing);
    const count = exchanged.grants.reduce((sum, grant) => sum + grant.rows.length, 0);
    if (want > 0) {
      this.#wanted = Math.max(0, this.#wanted - count);
      if (!exchanged.more && changes === this.#changes && count < want) this.#available = false;
    }
    const fresh = exchanged.grants.map((grant) => [claims.take(grant, deadline), grant] as const);
    claims.dropSettled(fresh.map(([claim]) => claim));
    this.#showBlocked(exchanged.blocked);
    if (claims.size > 0) this.#keepAlive();
    this.#member.outstanding += count;
    for (const [claim, grant] of fresh)
      takeGrant(claim, grant, this.#intake, (receipt, error) => (error === undefined ? this.#stepOver(receipt) : this.#onTrouble(error)));
    if (this.#wanted > 0 && exchanged.more) laterTurn(() => this.#pull());
  }

  #stepOver(receipt: SqlReceipt): void {
    this.#wanted++;
    this.#onSettled(receipt);
    this.#soon();
  }

  // ── leases ──

  /** Renews while something is held; a lease that ran out here is not taken up again, whoever holds it now. */
  #keepAlive(): void {
    const third = this.#rules.leaseMs / 3;
    this.#renewal.start(third, () => {
      if (this.#closed || this.#member.claims.size === 0) return;
      this.#keepAlive();
      const now = monotonicMs();
      this.#member.giveUpExpired(now);
      this.#tellExpired();
      if (this.#running === undefined && (this.#member.hasNews || this.#member.claims.firstDeadline - now <= 2 * third + 10)) this.#attempt();
    });
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

  #showBlocked(detail: string | undefined): void {
    if (detail !== undefined || this.#blocked) this.#intake.blocked(detail);
    this.#blocked = detail !== undefined;
    if (detail !== undefined) this.#tryAgain();
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

/** What an exchange was made of. */
interface Told {
  /** When, on the monotonic clock. */
  readonly at: number;
  readonly changes: number;
  readonly exchange: Exchange;
}
