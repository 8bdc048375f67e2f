import { deferred } from "../../internal/deferred.ts";
import { startTimer, stopTimer } from "../../internal/timers.ts";
import { handedBack } from "../../message/handed-back.ts";
import type { HandlerCall, InHand, RestOptions } from "../../message/in-hand.ts";
import type { NackOptions, ReceivedMessage, Verdict } from "../../message/index.ts";
import { OUTCOMES } from "../observers.ts";
import type { CallStart, Company, Origin, Wake } from "./company.ts";
import type { Desk } from "./desk.ts";
import { tokenOf } from "./identity.ts";
import { earlierCameAgain, overtakeBehind } from "./in-line.ts";
import type { Line } from "./lines.ts";
import { outlasts } from "./outlasts.ts";
import { noteNack, type OwnNack, weighNack } from "./own-nack.ts";
import { Rare } from "./rare.ts";
import { Rests } from "./rests.ts";

/**
 * A message in hand: its delivery, its handler call, its slot and its place in line. Everything that is remembered of a call hangs on it and
 * goes with it; nothing is looked up by a message's id.
 */
export class Call implements HandlerCall {
  readonly #desk: Desk;
  readonly message: ReceivedMessage;
  readonly inHand: InHand;
  readonly origin: Origin;
  /** Its place in the order of hand-out. */
  readonly order: number;

  line: Line | undefined = undefined;
  before: Call | undefined = undefined;
  behind: Call | undefined = undefined;
  company: Company | undefined = undefined;
  /** The handler's own promise: a middleware may give up on it, but it goes on. */
  inner: Promise<unknown> | undefined = undefined;
  rare: Rare | undefined = undefined;
  /** Among the desk's calls; -1 for none. */
  place = -1;

  holdsSlot: boolean;
  /** Its handler, or the outermost middleware, was called. */
  begun = false;
  /** The outermost middleware is being called: whoever calls it sees to the handler's promise, should it be another than the one that it gets. */
  entering = false;
  /** Its handler has ended and its results are on their way: the next of its line may begin. */
  handled = false;
  /** One before it in its line went back: it has to go back as well, to be handled after that one. */
  overtaken = false;
  /** Its handler has ended: a verdict is no longer its business. */
  #released = false;
  over = false;

  constructor(desk: Desk, message: ReceivedMessage, inHand: InHand, { origin, order, holdsSlot }: CallStart) {
    this.#desk = desk;
    this.message = message;
    this.inHand = inHand;
    this.origin = origin;
    this.order = order;
    this.holdsSlot = holdsSlot;
  }

  /** Resolves when it is over, to whether it succeeded. */
  get done(): Promise<boolean> {
    const rare = this.known();
    rare.done ??= deferred();
    return rare.done.promise;
  }

  /** See `Rare`; made when it is first needed. */
  known(): Rare {
    this.rare ??= new Rare();
    return this.rare;
  }

  get lost(): boolean {
    return this.rare?.lost === true;
  }

  get forfeited(): boolean {
    return this.rare?.forfeited === true;
  }

  get failedInCompany(): boolean {
    return this.rare?.inCompany === true;
  }

  // ── what the message tells ──

  onNack(options: NackOptions | undefined): NackOptions | undefined {
    const own = weighNack(this, this.#desk.failing.policy, options);
    this.known().ownNack = own;
    return own.told;
  }

  onBroken(error: unknown): void {
    this.origin.broken(error);
  }

  /** Its handler said nack, and nothing else before. */
  get ownNack(): OwnNack | undefined {
    return this.rare?.ownNack;
  }

  onVerdict(verdict: Verdict, reason?: unknown, delayMs = 0): void {
    if (this.over) return;
    if (verdict === "acked") {
      this.overtaken = false; // it will not come again, so it goes on
      if (this.#desk.concurrent) this.#goesOn(); // unless its ack gets lost
    }
    if (verdict === "nacked") {
      overtakeBehind(this);
      this.#desk.lines.await(this);
      this.#goesOn();
      noteNack(this, this.#desk, this.ownNack, delayMs);
    }
    if (verdict === "lost") this.#onLost(reason);
    if (!this.over) this.#desk.keepOrderBehind(this);
  }

  #onLost(reason: unknown): void {
    const rare = this.known();
    rare.lost = true;
    rare.lostBehind = this.#desk.taken;
    if (!this.begun) {
      overtakeBehind(this);
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
    const token = tokenOf(this);
    this.known().token = token;
    if (token !== undefined) this.#desk.lost.add(token, this);
  }

  /** It gets some time to end; then its slot and its place in line are another's. */
  abandonLater(): void {
    this.known().timer ??= startTimer(() => this.#abandon(), this.#desk.abandonAfterMs, true);
  }

  #abandon(): void {
    if (this.over) return;
    this.#desk.counts.abandoned++;
    this.#desk.log("error", this.message, {}, "the handler did not end after its delivery was lost, its call is abandoned");
    this.goBack();
  }

  // ── waiting ──

  get resting(): boolean {
    return this.rare?.rests?.any === true;
  }

  onRest(listener: () => void): () => void {
    return this.#rests.listen(listener);
  }

  rest<T>(run: (signal: AbortSignal) => Promise<T>, options?: RestOptions): Promise<T> {
    return this.#rests.during(this.#desk, run, options);
  }

  /** It waits for its batch, or does not any more. */
  changeRests(by: 1 | -1): void {
    this.#rests.change(by);
  }

  get #rests(): Rests {
    const rare = this.known();
    rare.rests ??= new Rests();
    return rare.rests;
  }

  /** Something before it in its line has changed, or it was lost, or overtaken. */
  onAhead(): void {
    if (this.rare?.wake !== undefined) {
      const { wake } = this.rare;
      this.rare.wake = undefined;
      wake.onAhead();
    }
    this.company?.onAhead?.();
  }

  /** Tells `wake` once, when `onAhead` is next called. */
  whenAhead(wake: Wake): void {
    this.known().wake = wake;
  }

  /** The next of its line may begin. */
  markHandled(): void {
    this.handled = true;
    this.behind?.onAhead();
  }

  /** What is judged is the outcome that there is: nothing that a middleware has left behind may call the handler again. */
  get concluded(): boolean {
    return this.over || this.rare?.outlived === true;
  }

  /** The outermost middleware has ended. */
  conclude(): void {
    if (this.inner !== undefined) this.known().outlived = true;
  }

  /** Notices when the handler's own promise ends. */
  followInner(): void {
    const { inner } = this;
    if (inner === undefined || inner === this.rare?.followed) return;
    const rare = this.known();
    rare.followed = inner;
    const ended = (): void => {
      rare.ranBefore = true;
      if (this.inner === inner) this.inner = undefined;
      if (rare.followed === inner) rare.followed = undefined;
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
    if (!late || this.over || this.inner === undefined) return;
    this.inner = undefined; // for whoever waits for it, or comes later: it is abandoned once
    this.#desk.counts.abandoned++;
    this.#desk.log("error", this.message, { abandonAfterMs }, "the handler did not end after its timeout, its call is abandoned");
  }

  // ── ending ──

  /** The handler has ended, or has to: the verdict that was given, or will be, ends the message's signal; with a reason it ends at once. */
  release(reason?: unknown): void {
    if (this.#released) return;
    this.#released = true;
    this.inHand.end(reason);
  }

  /** Gives the message back, uncounted, if it has no verdict yet, and what is behind it with it, unless it is done with. */
  goBack(delayMs = 0): void {
    if (this.over) return;
    const { inHand, message } = this;
    const { verdict } = inHand;
    if (verdict !== "acked") {
      overtakeBehind(this);
      this.#desk.lines.await(this);
    }
    this.release();
    try {
      if (verdict === undefined) message.nack({ uncounted: true, delayMs, reason: "handed back" });
    } catch (error) {
      this.origin.broken(error);
    }
    this.#desk.observed(this, verdict === undefined ? "returned" : OUTCOMES[verdict], undefined);
    this.end(false);
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
    this.release();
    this.handled = true;
    if (this.line !== undefined || this.company !== undefined || this.rare !== undefined) this.#untie(succeeded);
    this.#desk.onEnd(this);
  }

  /** Tells whoever waits for it, or remembers it. */
  #untie(succeeded: boolean): void {
    const { token, lostBehind = 0, timer, done } = this.rare ?? {};
    stopTimer(timer);
    const counts = succeeded && (this.lost || done !== undefined) && !earlierCameAgain(this, token, lostBehind);
    if (this.line !== undefined) this.#desk.lines.leave(this);
    this.onAhead();
    if (token !== undefined) this.#desk.lost.end(token, this, counts, this.#desk.orderOf(this.message));
    done?.resolve(succeeded);
    this.company?.onCallOver();
    this.company = undefined;
  }
}
