import { MillraceError } from "../../errors/index.ts";
import { monotonicMs } from "../../internal/timers.ts";
import { within } from "../../internal/within.ts";
import type { Delivery, MaybePromise } from "../../message/index.ts";
import type { Received } from "../received.ts";
import type { Intake, Session, Settlement } from "../source.ts";
import { Asking, type AskingRules } from "./asking.ts";
import type { Holdings, Keeper } from "./holdings.ts";
import { OnceTimer } from "./once-timer.ts";
import { OpenAnswers } from "./open-answers.ts";
import type { PullAnswered, PullDesk, PullEntry, PullTarget } from "./pull-target.ts";
import { Settling } from "./settling.ts";

/** What came beyond what was wanted goes back after so long when nothing is wanted, and when nothing more was wanted for so long. */
const SURPLUS_MS = 10;
const UNWANTED_MS = 1_000;
/** How long whoever closes waits for a question that is open. */
const LAST_MS = 1_000;

/** One link's dealings with what is ours. */
export class PullSession<Entry extends PullEntry, Link> implements Session<Entry>, PullDesk<Entry>, Keeper<Entry> {
  readonly #target: PullTarget<Entry, Link>;
  readonly #holdings: Holdings<Entry>;
  readonly #intake: Intake<Entry>;
  readonly #ended: AbortSignal;
  readonly #rules: AskingRules;
  #link: Link | undefined;
  #asking: Asking<Entry, Link> | undefined;
  #live = true;
  #closing = false;
  #begun = false;
  #wanted = 0;
  #pumping = false;
  #again = false;
  #releasing: Promise<void> | true | undefined;
  readonly #settling: Settling<Entry>;
  readonly #answers: OpenAnswers = new OpenAnswers();
  readonly #surplusTimer: OnceTimer = new OnceTimer();

  constructor(target: PullTarget<Entry, Link>, holdings: Holdings<Entry>, intake: Intake<Entry>, ended: AbortSignal, rules: AskingRules) {
    this.#target = target;
    this.#holdings = holdings;
    this.#intake = intake;
    this.#ended = ended;
    this.#rules = rules;
    this.#settling = new Settling(holdings, (verdicts, final) => {
      if (!this.#live) throw broken();
      const answer = target.settle(this.#link as Link, verdicts, final) as PullAnswered<Entry>;
      return answer instanceof Promise ? this.#answers.await(answer) : answer;
    });
  }

  /** The link is there. */
  begin(link: Link): void {
    this.#link = link;
    if (this.#target.fetch !== undefined) {
      const hooks = {
        missing: () => this.wanted,
        take: (entries: readonly Entry[], sinceMs: number, stale: boolean) => this.#take(entries, sinceMs, stale),
        onError: (error: unknown) => this.lost(error),
      };
      this.#asking = new Asking(this.#target, link, hooks, this.#rules);
    }
    if (!this.#live) return;
    this.#holdings.hindrance.relinked();
    this.#holdings.keeper = this;
    this.#holdings.leases.look();
    this.#release();
    this.#settling.goOn();
    if (this.#holdings.surplus.size > 0) this.#letSurplusGo(UNWANTED_MS);
  }

  // ── what the subscription calls ──

  want(count: number): void {
    if (!this.#live) return;
    if (!this.#begun) this.#holdings.hindrance.again();
    this.#begun = true;
    this.#wanted = count;
    this.#surplusTimer.stop();
    if (count === 0) this.#asking?.pause();
    if (count === 0 && this.#holdings.surplus.size > 0) this.#letSurplusGo(SURPLUS_MS);
    this.#pump();
    this.#tellWant();
  }

  settle(verdicts: readonly Settlement<Entry>[], final: boolean): MaybePromise<void> {
    return this.#settling.settle(verdicts, final);
  }

  giveBack(messages: readonly Received<Entry>[]): void {
    for (const message of messages) this.#holdings.owe(message);
    // What is newer than something that was given back goes back too, and comes again behind it.
    this.#holdings.oweSurplus();
    this.#release();
  }

  holds({ receipt }: Received<Entry>): boolean {
    return this.#holdings.leases.holds(receipt);
  }

  describe(message: Received<Entry>): Partial<Delivery> {
    return this.#target.describe?.(message) ?? {};
  }

  caughtUp(): MaybePromise<boolean> {
    if (!this.#live || this.#holdings.surplus.size > 0 || this.#holdings.owes) return false;
    return this.#target.caughtUp?.(this.#link as Link) ?? this.#asking?.caughtUp ?? false;
  }

  lag(): number | undefined {
    return this.#target.lag?.(this.#link as Link);
  }

  oldestAt(): Date | undefined {
    return this.#target.oldestAt?.(this.#link as Link);
  }

  async close(): Promise<void> {
    const final = this.#ended.aborted;
    this.#closing = true;
    this.#wanted = 0;
    this.#surplusTimer.stop();
    this.#settling.stop();
    this.#asking?.pause();
    if (final && this.#live) await this.#leave();
    this.#end();
    if (final) this.#holdings.stop();
    try {
      await this.#target.disconnect(this.#link as Link, final);
    } finally {
      this.#answers.fail(broken());
    }
  }

  /** All that is still lent to us goes back. */
  async #leave(): Promise<void> {
    if (this.#asking !== undefined) await within(this.#asking.stop(), LAST_MS);
    this.#holdings.oweSurplus();
    this.#holdings.oweUndecodable();
    await this.#settling.settleLast();
    while (this.#holdings.owes && this.#live) {
      this.#release();
      await this.#releasing;
    }
  }

  // ── what the link calls ──

  get wanted(): number {
    if (!this.#live || this.#releasing !== undefined || this.#holdings.full) return 0;
    return Math.max(0, this.#wanted - this.#holdings.surplus.size);
  }

  ours(): readonly Entry[] {
    return this.#holdings.leases.all();
  }

  take(entries: readonly Entry[], sinceMs: number = monotonicMs()): void {
    this.#take(entries, sinceMs, false);
  }

  lose(entries: readonly Entry[]): void {
    this.#holdings.lose(entries);
  }

  wake(): void {
    if (this.#live) this.#asking?.wake();
  }

  blocked(detail: string | undefined): void {
    if (this.#live) this.#holdings.hindrance.group(detail);
  }

  lost(error: unknown): void {
    if (!this.#live) return;
    this.#end();
    this.#intake.fail(error);
  }

  #end(): void {
    this.#live = false;
    this.#asking?.pause();
    if (this.#holdings.keeper === this) this.#holdings.keeper = undefined;
  }

  // ── what is ours ──

  async renew(entries: readonly Entry[]): Promise<readonly Entry[]> {
    const lost = this.#target.lease?.renew(this.#link as Link, entries) as PullAnswered<Entry>;
    return (lost instanceof Promise ? await this.#answers.await(lost) : lost) ?? [];
  }

  goOn(): void {
    this.#release();
    this.#settling.goOn();
    this.#pump();
    this.#tellWant();
  }

  /** Also what comes late: it is ours, whoever asked for it, and the link of the moment deals with it. */
  #take(entries: readonly Entry[], sinceMs: number, stale: boolean): void {
    const { surplus } = this.#holdings;
    const before = surplus.size;
    this.#holdings.add(entries, sinceMs);
    const some = surplus.size > before;
    if (some && stale) this.#holdings.oweSurplus();
    if (this.#holdings.keeper !== this) {
      if (some) this.#holdings.keeper?.goOn();
      return;
    }
    if (some && stale) this.#release();
    else if (some && this.#wanted === 0) this.#letSurplusGo(SURPLUS_MS);
    this.#pump();
  }

  #pump(): void {
    this.#again = true;
    if (this.#pumping) return; // handing out asks for more
    this.#pumping = true;
    while (this.#again && this.#live) {
      this.#again = false;
      this.#handOut();
      if (!this.#closing) this.#asking?.run();
    }
    this.#pumping = false;
    if (this.#holdings.surplus.size > 0) this.#letSurplusGo(UNWANTED_MS);
  }

  #handOut(): void {
    const { surplus, undecodables } = this.#holdings;
    while (this.#wanted > 0 && surplus.size > 0) {
      const entry = surplus.shift() as Entry;
      let message: Received<Entry>;
      try {
        message = this.#target.receive(entry);
      } catch (error) {
        undecodables.put(entry, error); // it takes the place of no message
        continue;
      }
      this.#wanted--;
      this.#intake.deliver(message);
    }
  }

  #tellWant(): void {
    if (!this.#live) return;
    try {
      this.#target.want?.(this.#link as Link, this.wanted);
    } catch (error) {
      this.lost(error); // whoever gives a verdict is not to hear of it
    }
  }

  #letSurplusGo(afterMs: number): void {
    if (!this.#live) return; // the next link hands it out
    this.#surplusTimer.start(afterMs, () => {
      this.#holdings.oweSurplus();
      this.#release();
    });
  }

  /** True while something goes back: then nothing is asked for. */
  #release(): boolean {
    if (this.#releasing !== undefined) return true;
    if (!this.#live || this.#link === undefined) return false;
    const messages = this.#holdings.owed();
    if (messages.length === 0) return false;
    this.#asking?.returning();
    this.#releasing = true;
    const onDone = (): void => {
      this.#releasing = undefined;
      this.#holdings.paid(messages);
      if (this.#release() || this.#closing) return;
      this.#asking?.wake();
      this.#tellWant();
    };
    const onError = (error: unknown): void => {
      this.#releasing = undefined;
      this.lost(error);
    };
    try {
      const answer = this.#target.release(this.#link as Link, messages);
      if (answer instanceof Promise) this.#releasing = answer.then(onDone, onError);
      else onDone();
    } catch (error) {
      onError(error);
    }
    return true;
  }
}

function broken(): MillraceError {
  return new MillraceError("the link is broken", { code: "CONNECTION_LOST", retryable: true });
}
