import { DerivedMessage } from "../../adapter/derived-message.ts";
import { endOfHandling } from "../../adapter/end-of-handling.ts";
import { type Deferred, deferred } from "../../internal/deferred.ts";
import { checkNack } from "../../message/check-nack.ts";
import { type HandlerCall, type InHand, standsBehindViews, type Taker } from "../../message/in-hand.ts";
import type { Delivery, DerivedChanges, NackOptions, ReceivedMessage, Verdict } from "../../message/index.ts";
import { uncounted } from "../../message/uncounted.ts";

const NO_CHANGES: DerivedChanges = Object.freeze({});

/** What has happened, in bits. */
const NACKED = 1;
const SETTLING = 2;
const WATCHED = 4;
const ENDED = 8;
const KEPT = 16;

/**
 * The view of a message that a foreign adapter, or a decorator that hides ours, has made: it stands behind all further views as a message of
 * `millrace/adapter` does by itself. What happens to the message outside of this view is learned from `settled`.
 */
export class ForeignMessage extends DerivedMessage implements InHand {
  redeliveryDelayMs: number | undefined;
  readonly #base: ReceivedMessage;
  #controller: AbortController | undefined;
  #call: HandlerCall | undefined;
  #taker: Taker | undefined;
  #verdict: Verdict | undefined;
  #bits = 0;
  #reason: unknown;
  #settled: Deferred<Verdict> | undefined;

  constructor(base: ReceivedMessage) {
    super(base, NO_CHANGES);
    this.#base = base;
  }

  /** To be called when its call does not end at once: from then on verdicts that are given past this view are noticed. */
  watch(): void {
    if ((this.#bits & WATCHED) !== 0) return;
    this.#bits |= WATCHED;
    this.#base.settled.then(
      (verdict) => this.#onVerdict(verdict, this.#base.signal.reason),
      () => {},
    );
  }

  /** Its signal has ended although nobody gave a verdict here: it may be lost, which `settled` tells in a moment. */
  get mayBeLost(): boolean {
    return this.#verdict === undefined && this.#base.signal.aborted;
  }

  override get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if ((this.#bits & ENDED) !== 0) this.#controller.abort(this.#reason ?? endOfHandling(this));
      else if (this.#verdict === undefined) this.#follow(this.#base.signal);
    }
    return this.#controller.signal;
  }

  #follow(signal: AbortSignal): void {
    const ended = (): void => {
      // A verdict inside a running handler ends the signal of a message that knows of no handler; this one's goes on.
      if ((this.#bits & SETTLING) === 0) this.#abort(signal.reason);
    };
    if (signal.aborted) {
      ended();
      return;
    }
    signal.addEventListener("abort", ended, { once: true });
    const leave = (): void => signal.removeEventListener("abort", ended); // it may be one for many messages
    this.#base.settled.then(leave, leave);
  }

  override get delivery(): Delivery {
    const known = this.#base.delivery;
    return this.#taker === undefined ? known : { ...known, handler: this.#taker.handler, publishTopic: this.#taker.publishTopic };
  }

  override get settled(): Promise<Verdict> {
    if (this.#settled === undefined) {
      this.#settled = deferred();
      if ((this.#bits & KEPT) !== 0) this.#settled.resolve("nacked");
      this.#base.settled.then(this.#settled.resolve, this.#settled.reject);
    }
    return this.#settled.promise;
  }

  override ack(): boolean {
    if ((this.#bits & KEPT) !== 0) return false;
    return this.#settle(() => this.#base.ack(), "acked");
  }

  override nack(options?: NackOptions): boolean {
    checkNack(options);
    this.#bits |= NACKED;
    if ((this.#bits & KEPT) !== 0) return true;
    if (this.#call?.onNack === undefined || this.#verdict !== undefined || this.mayBeLost) return this.#nack(options);
    const told = this.#call.onNack(options);
    if (told !== undefined) return this.#nack(told);
    this.#bits |= KEPT; // until its handler has ended: then the call sees to it
    this.#settled?.resolve("nacked");
    return true;
  }

  #nack(options: NackOptions | undefined): boolean {
    return this.#settle(() => this.#base.nack(options), "nacked", options?.delayMs);
  }

  get orderingKey(): string | undefined {
    return this.#base.delivery.orderingKey ?? this.key;
  }

  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  get nacked(): boolean {
    return (this.#bits & NACKED) !== 0;
  }

  get call(): HandlerCall | undefined {
    return this.#call;
  }

  get taker(): Taker | undefined {
    return this.#taker;
  }

  begin(call: HandlerCall | undefined, taker: Taker): void {
    this.#call = call;
    this.#taker = taker;
  }

  end(reason?: unknown): void {
    this.#call = undefined;
    this.#bits &= ~KEPT;
    if (this.#verdict !== undefined || reason !== undefined) this.#abort(reason);
  }

  #settle(give: () => boolean, verdict: Verdict, delayMs?: number): boolean {
    this.#bits |= SETTLING;
    let holds: boolean;
    try {
      holds = give();
    } catch (error) {
      this.#call?.onBroken?.(error);
      throw error instanceof Error && Object.isExtensible(error) ? uncounted(error) : error; // no failure of the handler that asked for it
    } finally {
      this.#bits &= ~SETTLING;
    }
    if (holds) this.#onVerdict(verdict, undefined, delayMs);
    return holds;
  }

  #onVerdict(verdict: Verdict, reason: unknown, delayMs?: number): void {
    if (this.#verdict !== undefined) return;
    this.#verdict = verdict;
    if (verdict === "lost") this.#abort(reason);
    if (this.#call === undefined) this.#abort(undefined);
    else this.#call.onVerdict(verdict, reason, delayMs);
  }

  #abort(reason: unknown): void {
    if ((this.#bits & ENDED) !== 0) return;
    this.#bits |= ENDED;
    this.#reason = reason;
    this.#controller?.abort(reason ?? endOfHandling(this));
  }
}

standsBehindViews(ForeignMessage.prototype);
