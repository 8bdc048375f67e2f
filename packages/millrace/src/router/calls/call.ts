import { type Deferred, deferred } from "../../internal/deferred.ts";
import { startTimer, stopTimer, type TimerHandle } from "../../internal/timers.ts";
import { handedBack } from "../../message/handed-back.ts";
import type { HandlerCall, InHand, RestOptions } from "../../message/in-hand.ts";
import type { ReceivedMessage, Verdict } from "../../message/index.ts";
import { OUTCOMES } from "../observers.ts";
import type { Company, Origin, Wake } from "./company.ts";
import type { Desk } from "./desk.ts";
import { tokenOf } from "./identity.ts";
import { earlierCameAgain, type Line } from "./lines.ts";
import { outlasts } from "./outlasts.ts";
import { Rests } from "./rests.ts";

/**
 * A message in hand: its delivery, its handler call, its slot and its place in line. Everything that is remembered of a call hangs on it and
 * goes with it; nothing is looked up by a message's id.
 */
export class Call implements HandlerCall {
  readonly #desk: Desk;
  message!: ReceivedMessage;
  inHand!: InHand;
  origin!: Origin;
  /** Its place in the order of hand-out. */
  order = 0;
  /** On the monotonic clock; 0 where nobody observes. */
  beganMs = 0;

  line: Line | undefined = undefined;
  before: Call | undefined = undefined;
  behind: Call | undefined = undefined;
  /** Its handler has ended and its results are on their way: the next of its line may begin. */
  handled = false;
  /** One before it in its line went back: it has to go back as well, to be handled after that one. */
  overtaken = false;
  /** It is among those that the next batch is made of. */
  gathered = false;
  company: Company | undefined = undefined;

  /** Among the desk's calls; -1 for none. */
  place = -1;
  holdsSlot = false;
  /** Its handler, or the outermost middleware, was called. */
  begun = false;
  over = true;
  lost = false;
  /** It is ended, or its slot given, by another than whoever handles it, who may come back to it: it is never used for another message. */
  stray = false;
  /** Its results were dropped, since its delivery was lost and the handler stops: it did not succeed. */
  forfeited = false;
  /** The handler's own promise: a middleware may give up on it, but it goes on. */
  inner: Promise<unknown> | undefined = undefined;
  /** The outermost middleware is being called: whoever calls it sees to the handler's promise, should it be another than the one that it gets. */
  entering = false;

  #followed: Promise<unknown> | undefined = undefined;
  #token: unknown = undefined;
  /** The last message that was taken in hand before its delivery was lost. */
  #lostBehind = 0;
  #rests: Rests | undefined = undefined;
  #wake: Wake | undefined = undefined;
  #timer: TimerHandle | undefined = undefined;
  #done: Deferred<boolean> | undefined = undefined;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** Takes a message in hand. */
  begin(message: ReceivedMessage, inHand: InHand, origin: Origin): void {
    this.message = message;
    this.inHand = inHand;
    this.origin = origin;
    this.handled = false;
    this.overtaken = false;
    this.begun = false;
    this.over = false;
    inHand.begin(this, this.#desk.taker);
  }

  /** A call that nothing of its past can reach any more may be used for another message. */
  get reusable(): boolean {
    return !this.lost && !this.stray && this.#done === undefined && this.#rests === undefined && this.inner === undefined;
  }

  /** Resolves when it is over, to whether it succeeded. */
  get done(): Promise<boolean> {
    this.#done ??= deferred();
    return this.#done.promise;
  }

  // ── what the message tells ──

  onVerdict(verdict: Verdict, reason?: unknown, delayMs = 0): void {
    if (this.over) return;
    if (verdict === "acked") {
      this.overtaken = false; // it will not come again, so it goes on
      if (this.#desk.concurrent) this.#goesOn(); // unless its ack gets lost
    }
    if (verdict === "nacked") {
      this.overtakeBehind();
      this.#desk.lines.await(this);
      this.#goesOn();
      if (delayMs > 0) this.#desk.failing.add(this.#token, 0, false, delayMs); // it is due then, whatever becomes of this run
    }
    if (verdict === "lost") this.#onLost(reason);
    if (!this.over) this.#desk.keepOrderBehind(this);
  }

  #onLost(reason: unknown): void {
    this.lost = true;
    this.#lostBehind = this.#desk.taken;
    if (!this.begun) {
      this.overtakeBehind();
      this.#desk.lines.await(this);
      this.end(false);
      return;
    }
    this.#desk.log("warn", this.message, { reason }, "the delivery was lost while the handler ran");
    this.#goesOn();
    this.onAhead();
    this.abandonLater();
  }

  /** Its message may come again while it runs: that one waits for it. */
  #goesOn(): void {
    this.#token = tokenOf(this);
    if (this.#token !== undefined) this.#desk.lost.add(this.#token, this);
  }

  /** It gets some time to end; then its slot and its place in line are another's. */
  abandonLater(): void {
    this.#timer ??= startTimer(() => this.#abandon(), this.#desk.abandonAfterMs, true);
  }

  #abandon(): void {
    if (this.over) return;
    this.stray = true;
    this.#desk.counts.abandoned++;
    this.#desk.log("error", this.message, {}, "the handler did not end after its delivery was lost, its call is abandoned");
    this.goBack();
  }

  // ── waiting ──

  get resting(): boolean {
    return this.#rests?.any === true;
  }

  onRest(listener: () => void): () => void {
    this.#rests ??= new Rests();
    return this.#rests.listen(listener);
  }

  rest<T>(run: (signal: AbortSignal) => Promise<T>, options?: RestOptions): Promise<T> {
    this.#rests ??= new Rests();
    return this.#rests.during(this.#desk, run, options);
  }

  /** It waits for its batch, or does not any more. */
  changeRests(by: 1 | -1): void {
    this.#rests ??= new Rests();
    this.#rests.change(by);
  }

  /** Something before it in its line has changed, or it was lost, or overtaken. */
  onAhead(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.onAhead();
    this.company?.onAhead?.();
  }

  /** Tells `wake` once, when `onAhead` is next called. */
  whenAhead(wake: Wake): void {
    this.#wake = wake;
  }

  /** Resolves when all before it in its line have had their verdict, or one of them went back. */
  async untilHead(): Promise<void> {
    while (this.before !== undefined && !this.overtaken && !this.over) await new Promise<void>((onAhead) => this.whenAhead({ onAhead }));
  }

  /** Resolves when the handler of the one before it has ended, or that one went back. */
  async untilTurn(): Promise<void> {
    while (this.before?.handled === false && !this.overtaken && !this.over) await new Promise<void>((onAhead) => this.whenAhead({ onAhead }));
  }

  /** The next of its line may begin. */
  markHandled(): void {
    this.handled = true;
    this.behind?.onAhead();
  }

  overtakeBehind(): void {
    for (let later = this.behind; later !== undefined; ) {
      const next = later.behind; // it may leave its line now
      later.overtaken = later.inHand.verdict !== "acked"; // by its handler: it cannot go back
      later.onAhead();
      later = next;
    }
  }

  /** Notices when the handler's own promise ends. */
  followInner(): void {
    const { inner } = this;
    if (inner === undefined || inner === this.#followed) return;
    this.#followed = inner;
    const ended = (): void => {
      if (this.inner === inner) this.inner = undefined;
      if (this.#followed === inner) this.#followed = undefined;
    };
    inner.then(ended, ended);
  }

  /** What the outermost middleware gave is the handler's own promise, and has ended. */
  innerEnded(outer: unknown): void {
    if (this.inner === outer) this.inner = undefined;
  }

  /** Waits for the handler's own promise, where a middleware has given up on it, but no longer than `abandonAfterMs`. */
  async untilInnerEnded(): Promise<void> {
    const { abandonAfterMs } = this.#desk;
    const late = await outlasts(() => this.inner, abandonAfterMs);
    if (!late || this.over) return;
    this.#desk.counts.abandoned++;
    this.#desk.log("error", this.message, { abandonAfterMs }, "the handler did not end after its timeout, its call is abandoned");
  }

  // ── ending ──

  /** Gives the message back, uncounted, if it has no verdict yet, and what is behind it with it, unless it is done with. */
  goBack(delayMs = 0): void {
    if (this.over) return;
    const { inHand, message } = this;
    const { verdict } = inHand;
    if (verdict !== "acked") {
      this.overtakeBehind();
      this.#desk.lines.await(this);
    }
    inHand.end();
    try {
      if (verdict === undefined) message.nack({ uncounted: true, delayMs, reason: "handed back" });
    } catch (error) {
      this.origin.broken(error);
    }
    this.#desk.observed(this, verdict === undefined ? "returned" : OUTCOMES[verdict], undefined);
    this.end(false);
  }

  /** An earlier call of the same message has succeeded. False when the ack does not hold. */
  ackUnhandled(): boolean {
    this.inHand.end();
    let held = false;
    try {
      held = this.message.ack();
    } catch (error) {
      this.origin.broken(error);
    }
    this.#desk.observed(this, held ? "acked" : "lost", undefined);
    this.end(held);
    return held;
  }

  /** What a call that is handed back fails with. */
  static handedBack(): Error {
    return handedBack("an earlier message of its key failed");
  }

  giveSlot(): void {
    if (!this.holdsSlot) return;
    this.holdsSlot = false;
    this.#desk.slots.give();
  }

  end(succeeded: boolean): void {
    if (this.over) return;
    this.over = true;
    this.inHand.end();
    if (this.#timer !== undefined) {
      stopTimer(this.#timer);
      this.#timer = undefined;
    }
    this.handled = true;
    const counts = succeeded && (this.lost || this.#done !== undefined) && !earlierCameAgain(this, this.#token, this.#lostBehind);
    if (this.line !== undefined) this.#desk.lines.leave(this);
    this.onAhead();
    if (this.#token !== undefined) {
      this.#desk.lost.end(this.#token, this, counts, this.#desk.orderOf(this.message));
      this.#token = undefined;
    }
    this.#done?.resolve(succeeded);
    this.company?.onCallOver();
    this.company = undefined;
    this.#desk.onEnd(this);
  }
}
