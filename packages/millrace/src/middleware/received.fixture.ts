import { DerivedMessage } from "../adapter/derived-message.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { handedBack } from "../message/handed-back.ts";
import { type HandlerCall, IN_HAND, type InHand, type RestOptions, type Taker } from "../message/in-hand.ts";
import type { ContextKey, Delivery, DerivedChanges, Message, MetadataInit, NackOptions, Publisher, ReceivedMessage, Verdict } from "../message/index.ts";
import { PlainMessage } from "../message/message.ts";

/** Who stands behind a message: a router's call, an adapter of ours without a router, or nobody, as with a foreign adapter alone. */
export type Behind = "call" | "adapter" | "nobody";

export interface ReceivedFixtureOptions {
  readonly id?: string;
  readonly key?: string;
  readonly payload?: string;
  readonly metadata?: MetadataInit;
  readonly attempt?: number;
  readonly delivery?: Partial<Delivery>;
  /** Default: `"call"`. */
  readonly behind?: Behind;
}

/** A router's call of one message, with what a router does to those that wait. */
export class FixtureCall implements HandlerCall {
  /** The options of every rest so far. */
  readonly rests: RestOptions[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #waiting = new Set<AbortController>();
  #resting = 0;
  #draining: Error | undefined;

  get resting(): boolean {
    return this.#resting > 0;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  onVerdict(): void {}

  onRest(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async rest<T>(run: (signal: AbortSignal) => Promise<T>, options: RestOptions = {}): Promise<T> {
    const controller = new AbortController();
    this.rests.push(options);
    if (this.#draining !== undefined && options.finishes !== true) controller.abort(this.#draining);
    if (options.finishes !== true) this.#waiting.add(controller);
    if (options.counts !== true) this.#change(1);
    try {
      return await run(controller.signal);
    } finally {
      this.#waiting.delete(controller);
      if (options.counts !== true) this.#change(-1);
    }
  }

  /** The router drains. */
  drain(): Error {
    this.#draining = handedBack("the handler stops");
    for (const controller of [...this.#waiting]) controller.abort(this.#draining);
    return this.#draining;
  }

  #change(by: number): void {
    const before = this.resting;
    this.#resting += by;
    if (this.resting !== before) for (const listener of [...this.#listeners]) listener();
  }
}

/** A received message of no broker. */
export class FixtureMessage extends PlainMessage implements ReceivedMessage, InHand {
  readonly delivery: Delivery;
  readonly verdicts: ("ack" | NackOptions | undefined)[] = [];
  readonly behind: Behind;
  call: FixtureCall | undefined;
  verdict: Verdict | undefined;
  nacked = false;
  failed: boolean | undefined = undefined;
  redeliveryDelayMs: number | undefined;
  /** What `ack` and `nack` throw, as a foreign adapter might. */
  settleError: unknown;
  readonly #controller = new AbortController();
  readonly #settled: Deferred<Verdict> = deferred();

  constructor(options: ReceivedFixtureOptions) {
    const { id = "m-1", key, payload = "p", attempt = 1, delivery, behind = "call" } = options;
    super(payload, { id, key, metadata: options.metadata });
    this.delivery = { topic: "orders", attempt, handler: "charge", ...delivery };
    this.behind = behind;
    this.call = behind === "call" ? new FixtureCall() : undefined;
    Object.defineProperty(this, IN_HAND, { value: behind === "nobody" ? undefined : this });
  }

  get orderingKey(): string | undefined {
    return this.delivery.orderingKey ?? this.key;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get settled(): Promise<Verdict> {
    return this.#settled.promise;
  }

  ack(): boolean {
    if (this.settleError !== undefined) throw this.settleError;
    if (this.verdict !== undefined) return this.verdict === "acked";
    this.verdicts.push("ack");
    return this.#settle("acked");
  }

  nack(options?: NackOptions): boolean {
    this.nacked = true;
    if (this.settleError !== undefined) throw this.settleError;
    if (this.verdict !== undefined) return this.verdict === "nacked";
    this.verdicts.push(options);
    return this.#settle("nacked");
  }

  get<T>(_key: ContextKey<T>): T | undefined {
    return undefined;
  }

  derive(changes: DerivedChanges): ReceivedMessage {
    return viewOf(this, changes, this.behind === "nobody" ? undefined : this);
  }

  begin(call: HandlerCall, _taker: Taker): void {
    this.call = call as FixtureCall;
  }

  end(reason?: unknown): void {
    this.call = undefined;
    this.#controller.abort(reason ?? new Error("the handling has ended"));
  }

  /** Aborts the signal while the handler has it. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** The delivery may belong to another now. */
  lose(reason: unknown): void {
    if (this.verdict !== undefined) return;
    this.#settle("lost");
    this.#controller.abort(reason);
  }

  #settle(verdict: Verdict): true {
    this.verdict = verdict;
    this.#settled.resolve(verdict);
    return true;
  }
}

/** A view that leads to what stands behind its base, and so do the views of it. */
function viewOf(base: ReceivedMessage, changes: DerivedChanges, behind: InHand | undefined): ReceivedMessage {
  const view = new DerivedMessage(base, changes);
  Object.defineProperty(view, IN_HAND, { value: behind });
  Object.defineProperty(view, "derive", { value: (more: DerivedChanges) => viewOf(view, more, behind) });
  return view;
}

/** A received message of no broker, and what happened to it. */
export class ReceivedFixture {
  readonly message: FixtureMessage;

  constructor(options: ReceivedFixtureOptions = {}) {
    this.message = new FixtureMessage(options);
  }

  get verdicts(): readonly ("ack" | NackOptions | undefined)[] {
    return this.message.verdicts;
  }
}

export function received(options: ReceivedFixtureOptions = {}): FixtureMessage {
  return new FixtureMessage(options);
}

/** The call that has it in hand. */
export function callBehind(message: FixtureMessage): FixtureCall {
  if (message.call === undefined) throw new Error("no router has this message in hand");
  return message.call;
}

/** Keeps what is published; fails while `error` is set. */
export class RecordingPublisher implements Publisher {
  readonly published: { readonly topic: string; readonly message: Message }[] = [];
  calls = 0;
  closed = 0;
  error: unknown = undefined;

  async publish(topic: string, messages: Message | readonly Message[]): Promise<void> {
    this.calls++;
    if (this.error !== undefined) throw this.error;
    for (const message of [messages].flat() as Message[]) this.published.push({ topic, message });
  }

  async close(): Promise<void> {
    this.closed++;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
