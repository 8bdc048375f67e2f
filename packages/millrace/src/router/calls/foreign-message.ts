import { DerivedMessage } from "../../adapter/derived-message.ts";
import { MillraceError } from "../../errors/index.ts";
import { type HandlerCall, type InHand, standsBehindViews, type Taker } from "../../message/in-hand.ts";
import type { Delivery, NackOptions, ReceivedMessage, Verdict } from "../../message/index.ts";

/**
 * The view of a message that a foreign adapter, or a decorator that hides ours, has made: it stands behind all further views as a message of
 * `millrace/adapter` does by itself. What happens to the message outside of this view is learned from `settled`.
 */
export class ForeignMessage extends DerivedMessage implements InHand {
  redeliveryDelayMs: number | undefined = undefined;
  readonly #base: ReceivedMessage;
  readonly #controller: AbortController = new AbortController();
  #call: HandlerCall | undefined;
  #taker: Taker | undefined;
  #verdict: Verdict | undefined;
  #nacked = false;
  #settling = false;

  constructor(base: ReceivedMessage) {
    super(base, {});
    this.#base = base;
    const { signal } = base;
    const follow = (): void => {
      // A verdict inside a running handler ends the signal of a message that knows of no handler; this one's goes on.
      if (!this.#settling) this.#controller.abort(signal.reason);
    };
    if (signal.aborted) follow();
    else signal.addEventListener("abort", follow, { once: true });
    base.settled.then(
      (verdict) => {
        signal.removeEventListener("abort", follow);
        this.#onVerdict(verdict, signal.reason);
      },
      () => {},
    );
  }

  override get signal(): AbortSignal {
    return this.#controller.signal;
  }

  override get delivery(): Delivery {
    const known = this.#base.delivery;
    return this.#taker === undefined ? known : { ...known, handler: this.#taker.handler, publishTopic: this.#taker.publishTopic };
  }

  override ack(): boolean {
    return this.#settle(() => this.#base.ack(), "acked");
  }

  override nack(options?: NackOptions): boolean {
    this.#nacked = true;
    return this.#settle(() => this.#base.nack(options), "nacked", options?.delayMs);
  }

  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  get nacked(): boolean {
    return this.#nacked;
  }

  get call(): HandlerCall | undefined {
    return this.#call;
  }

  get taker(): Taker | undefined {
    return this.#taker;
  }

  begin(call: HandlerCall, taker: Taker): void {
    this.#call = call;
    this.#taker = taker;
  }

  end(reason?: unknown): void {
    this.#call = undefined;
    if (this.#verdict !== undefined || reason !== undefined) this.#abort(reason);
  }

  #settle(give: () => boolean, verdict: Verdict, delayMs?: number): boolean {
    this.#settling = true;
    let holds: boolean;
    try {
      holds = give();
    } finally {
      this.#settling = false;
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
    this.#controller.abort(reason ?? new MillraceError(`the handling of message ${this.id} has ended`, { code: "HANDLING_ENDED" }));
  }
}

standsBehindViews(ForeignMessage.prototype);
