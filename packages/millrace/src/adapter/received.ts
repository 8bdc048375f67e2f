import { deferred } from "../internal/deferred.ts";
import { checkNack } from "../message/check-nack.ts";
import type { ContextKey } from "../message/context-key.ts";
import { dueAtOf } from "../message/due-at.ts";
import { type HandlerCall, type InHand, standsBehindViews, type Taker } from "../message/in-hand.ts";
import type { Delivery, DerivedChanges, Message, MessageOptions, Metadata, NackOptions, ReceivedMessage, StandardSchema, Verdict } from "../message/index.ts";
import { keyBytes } from "../message/key-bytes.ts";
import { copyMessage, payloadJson, payloadJsonAsync, payloadText } from "../message/message.ts";
import { TextMap } from "../message/metadata.ts";
import { nativeOfFetched } from "../message/native.ts";
import { ACKED, ENDED, KEPT, LOST, NACKED, PENDING, TOLD_NACK, VERDICTS } from "./delivery-state.ts";
import { DerivedMessage } from "./derived-message.ts";
import { endOfHandling } from "./end-of-handling.ts";
import type { Fetched, MessageSource } from "./fetched.ts";
import { RarelyNeeded } from "./rarely-needed.ts";

/** Whom a received message tells about its verdict: the subscription. One object for all its messages, no closure per message. */
export interface Settler<Receipt> {
  /** False when the delivery may already belong to another. */
  holds(message: Received<Receipt>): boolean;
  onAck(message: Received<Receipt>): void;
  onNack(message: Received<Receipt>, options: NackOptions | undefined): void;
  describe(message: Received<Receipt>): Delivery;
  /** By what the broker orders it, as `describe` says; asked for every message where order is kept by key. */
  orderOf(message: Received<Receipt>): string | undefined;
}

const NO_OPTIONS: NackOptions = Object.freeze({});

/** Stands for the call that the taker makes when somebody asks for it. */
const ON_DEMAND = Symbol("a call that is made on demand");

/**
 * One delivery of a message, and the one object behind all views of it. Signal, `settled`, metadata and `delivery` come into being when
 * first asked for; a message that is only read and acked costs this one object.
 */
export class Received<Receipt = unknown> implements ReceivedMessage, InHand {
  readonly key: string | undefined;
  readonly payload: Uint8Array;
  readonly receipt: Receipt;
  readonly attempt: number;
  /** Place in the order of arrival, given by the subscription. */
  sequence = 0;
  /** The lane it waits in or was handed out from. */
  lane: unknown = undefined;
  /** It failed before, and is not to be handed out again before this moment of the monotonic clock, in milliseconds. */
  notBeforeMs = 0;
  /** Neighbours among the messages in flight, in order of handing out. */
  before: Received<Receipt> | undefined = undefined;
  behind: Received<Receipt> | undefined = undefined;

  readonly #source: MessageSource;
  readonly #original: TextMap | undefined;
  #metadata: TextMap | undefined = undefined;
  #settler: Settler<Receipt> | undefined = undefined;
  #state = PENDING;
  #bits = 0;
  #call: HandlerCall | typeof ON_DEMAND | undefined = undefined;
  #taker: Taker | undefined = undefined;
  #rare: RarelyNeeded | undefined = undefined;
  #delivery: Delivery | undefined = undefined;

  constructor(fetched: Fetched, receipt: Receipt, attempt = 1) {
    this.key = fetched.key;
    this.payload = fetched.payload;
    this.receipt = receipt;
    this.attempt = attempt;
    this.#source = fetched.source;
    this.#original = fetched.metadata;
  }

  get id(): string {
    return this.#source.id;
  }

  get keyBytes(): Uint8Array | undefined {
    return this.key === undefined ? undefined : keyBytes(this.key);
  }

  get dueAt(): Date | undefined {
    return dueAtOf(this.metadata);
  }

  get topic(): undefined {
    return undefined;
  }

  get metadata(): Metadata {
    this.#metadata ??= this.#original === undefined ? (this.#source.readMetadata?.() ?? new TextMap()) : new TextMap(this.#original);
    return this.#metadata;
  }

  get delivery(): Delivery {
    if (this.#delivery === undefined) {
      const known = this.#settler?.describe(this) ?? { topic: "", attempt: this.attempt };
      this.#delivery = this.#taker === undefined ? known : { ...known, handler: this.#taker.handler, publishTopic: this.#taker.publishTopic };
    }
    return this.#delivery;
  }

  get signal(): AbortSignal {
    const rare = this.#known();
    if (rare.controller === undefined) {
      rare.controller = new AbortController();
      if ((this.#bits & ENDED) !== 0) rare.controller.abort(rare.reason ?? endOfHandling(this));
    }
    return rare.controller.signal;
  }

  get settled(): Promise<Verdict> {
    const rare = this.#known();
    if (rare.settled === undefined) {
      rare.settled = deferred();
      const verdict = this.#state === KEPT ? "nacked" : this.verdict;
      if (verdict !== undefined) rare.settled.resolve(verdict);
    }
    return rare.settled.promise;
  }

  /** The verdict so far. */
  get verdict(): Verdict | undefined {
    return VERDICTS[this.#state];
  }

  ack(): boolean {
    if (this.#state !== PENDING) return this.#state === ACKED;
    const settler = this.#settle(ACKED);
    settler?.onAck(this);
    return settler !== undefined;
  }

  nack(options?: NackOptions): boolean {
    checkNack(options);
    this.#bits |= TOLD_NACK;
    if (this.#state !== PENDING) return this.#state === NACKED || this.#state === KEPT;
    const { call } = this;
    const told = call?.onNack !== undefined && this.#settler?.holds(this) === true ? call.onNack(options) : (options ?? NO_OPTIONS);
    if (told === undefined) {
      this.#state = KEPT;
      this.#rare?.settled?.resolve("nacked");
      return true;
    }
    const settler = this.#settle(NACKED, told.delayMs);
    settler?.onNack(this, told);
    return settler !== undefined;
  }

  get<T>(_key: ContextKey<T>): T | undefined {
    return undefined;
  }

  derive(changes: DerivedChanges): ReceivedMessage {
    return new DerivedMessage(this, changes);
  }

  text(): string {
    return payloadText(this.payload);
  }

  json(): unknown;
  json<Output>(schema: StandardSchema<unknown, Output>): Output;
  json(schema?: StandardSchema<unknown, unknown>): unknown {
    return payloadJson(this, schema);
  }

  jsonAsync<Output>(schema: StandardSchema<unknown, Output>): Promise<Output> {
    return payloadJsonAsync(this, schema);
  }

  copy(changes?: MessageOptions): Message {
    return copyMessage(this, changes);
  }

  /** Called by the subscription when it takes the message in. One that it had before keeps its place in the order. */
  adopt(settler: Settler<Receipt>, sequence: number): void {
    if (this.#settler === settler) return;
    this.#settler = settler;
    this.sequence = sequence;
  }

  /** A fresh delivery of the same message: original bytes and metadata, no verdict; due when this one would be. */
  again(attempt: number, notBeforeMs: number = this.notBeforeMs): Received<Receipt> {
    const next = new Received<Receipt>({ source: this.#source, key: this.key, payload: this.payload, metadata: this.#original }, this.receipt, attempt);
    next.#settler = this.#settler;
    next.sequence = this.sequence;
    next.lane = this.lane;
    next.notBeforeMs = notBeforeMs;
    return next;
  }

  /** The delivery may belong to another now. False when a verdict had been given before. */
  lose(reason: unknown): boolean {
    if (this.#state !== PENDING && this.#state !== KEPT) return false;
    this.#state = LOST;
    this.#rare?.settled?.resolve("lost");
    this.#abort(reason);
    this.call?.onVerdict("lost", reason);
    return true;
  }

  // ── what stands behind all views ──

  get nacked(): boolean {
    return (this.#bits & TOLD_NACK) !== 0;
  }

  get failed(): boolean | undefined {
    return this.#rare?.failed;
  }

  set failed(failed: boolean | undefined) {
    this.#known().failed = failed;
  }

  get redeliveryDelayMs(): number | undefined {
    return this.#rare?.redeliveryDelayMs;
  }

  set redeliveryDelayMs(delayMs: number | undefined) {
    this.#known().redeliveryDelayMs = delayMs;
  }

  get orderingKey(): string | undefined {
    return this.#settler === undefined ? this.key : this.#settler.orderOf(this);
  }

  get content(): object {
    return this.#source;
  }

  get call(): HandlerCall | undefined {
    if (this.#call === ON_DEMAND) this.#call = this.#taker?.makeCall?.(this);
    return this.#call as HandlerCall | undefined;
  }

  get needsNoCall(): boolean {
    return this.#call === ON_DEMAND;
  }

  get taker(): Taker | undefined {
    return this.#taker;
  }

  begin(call: HandlerCall | undefined, taker: Taker): void {
    this.#call = call ?? ON_DEMAND;
    this.#taker = taker;
    this.#delivery = undefined;
  }

  end(reason?: unknown): void {
    this.#call = undefined;
    if (this.#state !== PENDING || reason !== undefined) this.#endSettled(reason);
  }

  #endSettled(reason: unknown): void {
    if (this.#state === KEPT) this.#state = PENDING;
    if (this.#state !== PENDING || reason !== undefined) this.#abort(reason);
  }

  /** Aborts the signal, or makes it aborted from birth. */
  #abort(reason?: unknown): void {
    if ((this.#bits & ENDED) !== 0) return;
    this.#bits |= ENDED;
    if (this.#rare !== undefined || reason !== undefined) this.#abortSignal(reason);
  }

  #abortSignal(reason: unknown): void {
    const rare = this.#known();
    rare.reason = reason;
    rare.controller?.abort(reason ?? endOfHandling(this));
  }

  #known(): RarelyNeeded {
    this.#rare ??= new RarelyNeeded();
    return this.#rare;
  }

  /** Whom to tell; nobody when the verdict does not hold. */
  #settle(state: number, delayMs?: number): Settler<Receipt> | undefined {
    const settler = this.#settler;
    if (settler === undefined || !settler.holds(this)) return undefined;
    this.#state = state;
    this.#rare?.settled?.resolve(VERDICTS[state] as Verdict);
    const { call } = this;
    if (call === undefined) this.#abort();
    else call.onVerdict(VERDICTS[state] as Verdict, undefined, delayMs);
    return settler;
  }
}

standsBehindViews(Received.prototype);
nativeOfFetched(Received.prototype);
