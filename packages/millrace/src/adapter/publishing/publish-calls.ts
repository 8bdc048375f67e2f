import { MillraceError } from "../../errors/index.ts";
import { Ring } from "../../internal/ring.ts";
import { monotonicMs, startTimer, stopTimer, type TimerHandle } from "../../internal/timers.ts";
import { guarded } from "../../logger/guarded-logger.ts";
import type { Logger } from "../../logger/index.ts";
import { checkPublish } from "../../message/check-publish.ts";
import type { MaybePromise, Message, PublishOptions } from "../../message/index.ts";
import { publishWithinDelay } from "../publish-delay.ts";
import { encodeAll } from "./encode-all.ts";
import { Load } from "./load.ts";
import { type CallKeeper, PublishCall } from "./publish-call.ts";
import { abortedError, closedError, refusal } from "./publish-error.ts";
import { checkPublishRules, type PublishRules } from "./publish-rules.ts";

/** What an adapter makes of messages and calls. */
export interface PublishWay<Item> {
  /** What the message becomes on the wire. What it throws rejects the whole call, before anything is sent. */
  encode(topic: string, message: Message): Item;
  bytesOf(item: Item): number;
  /** Throws for a topic that cannot be. */
  checkTopic?(topic: string): void;
  /** What is sent in one order. Default: the topic. */
  laneOf?(topic: string): string;
  /** The error of a call whose time is up. Default: `text` with the code of the trouble, if that passes, else `PUBLISH_TIMEOUT`. */
  late?(text: string, call: PublishCall<Item>): MillraceError | undefined;
}

/** Who sends what there is room for. */
export interface PublishDesk<Item> {
  /** There is room for the call: it may be sent. */
  begin(call: PublishCall<Item>): void;
  /** What was not sent of the call is not to be sent. It decides nothing. */
  onFailed?(call: PublishCall<Item>): void;
}

/** What waits for room, and what has it, together: beyond so many times the bound a call is refused. */
const MOST_FILLS = 16;
/** Calls that wait for a broker are told of after this time. */
const WARN_AFTER_MS = 1000;

/**
 * The calls of `publish` from their first moment to their last, for a publisher that sends in its own way (see `PublishQueue` for one that
 * does not): checked, encoded, let in when there is room, in the order in which they came, and ended when their time is up or their signal
 * aborts. A call that finds no room waits for it; when sixteen times the bound waits, it is refused with `BUFFER_FULL`.
 */
export class PublishCalls<Item> {
  readonly #rules: PublishRules;
  readonly #way: PublishWay<Item>;
  readonly #desk: PublishDesk<Item>;
  readonly #keeper: CallKeeper;
  readonly #logger: Logger;
  readonly #maxWaiting: number;
  readonly #maxBytes: number;
  /** Those that have not ended, in the order of their deadlines. */
  readonly #calls: Set<PublishCall<Item>> = new Set();
  readonly #outside: Ring<PublishCall<Item>> = new Ring();
  /** All of them, and those that there was room for. */
  readonly #open: Load = new Load();
  readonly #inside: Load = new Load();
  #admitting = false;
  #timer: TimerHandle | undefined;
  #warning: TimerHandle | undefined;
  #trouble: unknown;
  #idle: (() => void)[] = [];
  #closed = false;

  constructor(rules: PublishRules, way: PublishWay<Item>, desk: PublishDesk<Item>) {
    checkPublishRules(rules);
    this.#rules = rules;
    this.#way = way;
    this.#desk = desk;
    this.#logger = guarded(rules.logger);
    this.#maxWaiting = rules.maxWaiting ?? Number.POSITIVE_INFINITY;
    this.#maxBytes = rules.maxWaitingBytes ?? Number.POSITIVE_INFINITY;
    this.#keeper = {
      otherCode: rules.otherCode,
      onFailed: (call) => desk.onFailed?.(call as PublishCall<Item>),
      onEnded: (call) => this.#onEnded(call as PublishCall<Item>),
    };
  }

  /** It lets nothing more in. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Messages of calls that have not ended. */
  get messages(): number {
    return this.#open.messages;
  }

  /** Why nothing can be sent at present. The adapter sets it, and says `undefined` when the broker answers again. */
  get trouble(): unknown {
    return this.#trouble;
  }

  set trouble(error: unknown) {
    this.#trouble = error;
    if (error === undefined) this.#calm();
    else if (this.#open.calls > 0) this.#warnSoon();
  }

  publish(topic: string, given: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    try {
      const messages = Array.isArray(given) ? (given as readonly Message[]) : [given as Message];
      const { subject, maxPublishDelayMs = 0 } = this.#rules;
      const way = this.#way;
      checkPublish(subject, topic, messages, options);
      way.checkTopic?.(topic);
      if (this.#closed) throw refusal(closedError(), messages.length);
      if (messages.length === 0) return Promise.resolve();
      const signal = options?.signal;
      if (signal?.aborted) throw refusal(abortedError(signal), messages.length);
      const send = (some: readonly Message[]): Promise<void> => this.push(way.laneOf?.(topic) ?? topic, encodeAll(topic, some, way), signal);
      return maxPublishDelayMs === Number.POSITIVE_INFINITY ? send(messages) : publishWithinDelay(subject, messages, maxPublishDelayMs, send);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Publishes what is encoded already. */
  push(lane: string, items: readonly Item[], signal?: AbortSignal): Promise<void> {
    const count = items.length;
    let bytes = 0;
    for (let index = 0; index < count; index++) bytes += this.#way.bytesOf(items[index] as Item);
    const refused = this.#refused(count, bytes, signal);
    if (refused !== undefined) return Promise.reject(refusal(refused, count));
    const call = new PublishCall(this.#keeper, lane, items, bytes, monotonicMs() + this.#rules.timeoutMs);
    if (signal !== undefined) call.endWith(signal);
    this.#calls.add(call);
    this.#open.add(call, 1);
    if (this.#trouble !== undefined) this.#warnSoon();
    this.#timer ??= startTimer(() => this.#expire(), this.#rules.timeoutMs);
    if (this.#outside.size === 0 && this.#fits(call)) this.#admit(call);
    else this.#outside.push(call);
    return call.promise;
  }

  /** Resolves when no call is under way: at the latest when the time of the last one is up. */
  idle(): Promise<void> {
    return this.#open.calls === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Lets nothing more in, and waits for what is under way. */
  close(): Promise<void> {
    this.#closed = true;
    return this.idle();
  }

  /** Ends what is under way, and lets nothing more in. */
  stop(): MaybePromise<void> {
    this.#closed = true;
    this.#admitting = true; // nobody is let in
    for (const call of this.#calls) call.giveUp(closedError());
    this.#admitting = false;
  }

  /** Why the call is not let in at all. */
  #refused(count: number, bytes: number, signal: AbortSignal | undefined): MillraceError | undefined {
    if (this.#closed) return closedError();
    if (signal?.aborted) return abortedError(signal);
    if (this.#open.takes(count, bytes, this.#maxWaiting * MOST_FILLS, this.#maxBytes * MOST_FILLS)) return undefined;
    return new MillraceError(`${this.#crowd()} already`, { code: "BUFFER_FULL", retryable: true });
  }

  #fits({ count, bytes }: PublishCall<Item>): boolean {
    return this.#inside.takes(count, bytes, this.#maxWaiting, this.#maxBytes);
  }

  #admit(call: PublishCall<Item>): void {
    call.inside = true;
    this.#inside.add(call, 1);
    try {
      this.#desk.begin(call);
    } catch (error) {
      call.giveUp(error);
    }
  }

  #admitNext(): void {
    if (this.#admitting) return;
    this.#admitting = true; // a call that ends while it begins is not to let others past it
    for (let next = this.#outside.peek(); next !== undefined; next = this.#outside.peek()) {
      if (!next.ended && !this.#fits(next)) break;
      this.#outside.shift();
      if (!next.ended) this.#admit(next);
    }
    this.#admitting = false;
  }

  #onEnded(call: PublishCall<Item>): void {
    this.#calls.delete(call);
    this.#open.add(call, -1);
    if (call.inside) this.#inside.add(call, -1);
    if (this.#outside.size > 0) this.#admitNext();
    if (this.#open.calls > 0) return;
    stopTimer(this.#timer);
    this.#timer = undefined;
    stopTimer(this.#warning);
    this.#warning = undefined;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #expire(): void {
    this.#timer = undefined;
    const now = monotonicMs();
    this.#admitting = true; // whose time is up as well is not let in first
    for (const call of this.#calls) {
      if (call.deadline > now) break;
      call.giveUp(this.#late(call));
    }
    this.#admitting = false;
    this.#admitNext();
    const [oldest] = this.#calls;
    if (oldest !== undefined) this.#timer ??= startTimer(() => this.#expire(), Math.max(1, oldest.deadline - now));
  }

  #late(call: PublishCall<Item>): MillraceError {
    const { timeoutMs } = this.#rules;
    const trouble = this.#trouble;
    const why = trouble === undefined ? "" : `: ${trouble instanceof Error ? trouble.message : String(trouble)}`;
    const text = `${call.inside ? "the messages were not confirmed" : `no room for the messages (${this.#crowd()})`} within ${timeoutMs} ms${why}`;
    const code = MillraceError.is(trouble) && trouble.retryable ? trouble.code : "PUBLISH_TIMEOUT";
    return this.#way.late?.(text, call) ?? new MillraceError(text, { code, retryable: true, cause: trouble });
  }

  #crowd(): string {
    return `${this.#open.messages} messages of ${this.#open.bytes} bytes wait to be confirmed`;
  }

  #warnSoon(): void {
    this.#warning ??= startTimer(() => this.#warn(), WARN_AFTER_MS);
  }

  #warn(): void {
    this.#logger.warn(
      { adapter: this.#rules.adapter, messages: this.#open.messages, error: this.#trouble },
      "publishing waits for the broker: each call until its time is up",
    );
  }

  #calm(): void {
    stopTimer(this.#warning);
    this.#warning = undefined;
  }
}
