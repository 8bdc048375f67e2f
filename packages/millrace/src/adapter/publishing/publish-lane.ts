import { Ring } from "../../internal/ring.ts";
import { laterTurn } from "../../internal/timers.ts";
import { isFinal, LaneLink, type Troubled } from "./lane-link.ts";
import { type AnswerDesk, Outgoing } from "./outgoing.ts";
import type { PublishCall } from "./publish-call.ts";
import type { PublishQueueRules } from "./publish-rules.ts";
import type { PublishTarget } from "./publish-target.ts";

const WINDOW = 1000;
const WINDOW_BYTES = 8 * 1024 * 1024;

/** One order of messages, sent over one link in a window of messages without an answer. */
export class PublishLane<Item, Link> implements AnswerDesk {
  readonly #target: PublishTarget<Item, Link>;
  readonly #window: number;
  readonly #windowBytes: number;
  readonly #batch: number;
  readonly #batchBytes: number;
  readonly #deduplicates: boolean;
  readonly #stop: AbortSignal;
  readonly #keeper: LaneLink<Item, Link>;
  readonly #calls: Ring<PublishCall<Item>> = new Ring();
  /** Were on a link before, in order: they go before all others. */
  #again: Outgoing<Item>[] = [];
  /** The next one of the calls, where it is known. */
  #next: Outgoing<Item> | undefined;
  /** In the order of sending; the oldest has no answer. */
  readonly #sent: Ring<Outgoing<Item>> = new Ring();
  #sentBytes = 0;
  #places = 0;
  #scheduled = false;
  /** What nothing is sent before: the link being ready, the end of a batch, a pause after a failure. */
  #holds = 0;
  /** The link, by its number, that pauses. */
  #pausing = 0;

  constructor(name: string, target: PublishTarget<Item, Link>, rules: PublishQueueRules, shown: Troubled, stop: AbortSignal) {
    this.#target = target;
    this.#window = rules.window ?? WINDOW;
    this.#windowBytes = rules.windowBytes ?? WINDOW_BYTES;
    this.#batch = rules.batch ?? this.#window;
    this.#batchBytes = rules.batchBytes ?? this.#windowBytes;
    this.#deduplicates = rules.deduplicates ?? false;
    this.#stop = stop;
    this.#keeper = new LaneLink(name, target, rules, shown, stop, {
      wanted: () => this.#waits(),
      onUp: () => this.#pump(),
      onLost: (error) => this.#onLost(error),
      onFinal: (error) => this.#giveUp(error),
    });
  }

  /** Nothing waits, and nothing is without an answer. */
  get rests(): boolean {
    return !this.#keeper.connecting && this.#holds === 0 && this.#sent.size === 0 && !this.#waits();
  }

  push(call: PublishCall<Item>): void {
    this.#calls.push(call);
    if (this.#holds === 0) this.#wake();
  }

  disconnect(): Promise<void> {
    return this.#keeper.disconnect();
  }

  onAnswer(message: Outgoing<Item>, told: boolean): void {
    if (told) this.#keeper.onWell();
    this.#land(message, "answered");
    if (this.#holds === 0 && this.#keeper.link !== undefined) this.#wake();
  }

  onAgain(message: Outgoing<Item>, error: unknown): void {
    this.#land(message, "waiting");
    message.call.unsent(message.index);
    this.#putBack([message]);
    this.#pause(error);
  }

  /** It is not in flight any more. */
  #land(message: Outgoing<Item>, state: "answered" | "waiting"): void {
    if (message.state === "in flight") this.#sentBytes -= message.bytes;
    message.state = state;
    const sent = this.#sent;
    for (let oldest = sent.peek(); oldest !== undefined && oldest.state !== "in flight"; oldest = sent.peek()) sent.shift();
  }

  /**
   * In a later turn: calls made at once go together. When nothing is under way it takes a turn more, so that a link that was just cut has
   * shown it: what was not sent can wait for the next one.
   */
  #wake(): void {
    if (this.#scheduled || !this.#waits()) return;
    this.#scheduled = true;
    const pump = (): void => this.#pump();
    if (this.#sent.size > 0) laterTurn(pump);
    else laterTurn(() => laterTurn(pump));
  }

  #pump(): void {
    this.#scheduled = false;
    if (this.#holds > 0 || this.#stop.aborted) return;
    const { link } = this.#keeper;
    if (link === undefined) {
      if (this.#waits()) void this.#keeper.connect();
      return;
    }
    const { epoch } = this.#keeper;
    const batch = this.#take(link);
    if (batch.length === 0) return;
    try {
      const sending = this.#target.send(link, batch);
      if (sending instanceof Promise) this.#holdFor(sending.catch((error: unknown) => this.#onUnsent(batch, epoch, error)));
    } catch (error) {
      this.#onFailure(batch, error);
    }
    if (this.#holds === 0 && this.#open()) this.#wake();
  }

  /** The window has room. One message may be of any size. */
  #open(): boolean {
    return this.#sent.size < this.#window && (this.#sentBytes < this.#windowBytes || this.#sent.size === 0);
  }

  /** As many of the next messages as the window and a batch take: from here on they are sent. */
  #take(link: Link): Outgoing<Item>[] {
    const taken: Outgoing<Item>[] = [];
    let bytes = 0;
    let run = 0;
    while (this.#open() && taken.length < this.#batch) {
      const next = this.#peek();
      if (next === undefined || (taken.length > 0 && bytes + next.bytes > this.#batchBytes)) break;
      const ready = this.#ready(link, next);
      if (ready !== undefined) {
        this.#holdFor(ready.catch((error: unknown) => this.#onUnready(next, error)));
        break;
      }
      this.#shift(next);
      const last = taken.at(-1);
      if (last !== undefined && (last.call !== next.call || last.index + 1 !== next.index)) {
        last.call.sent(last.index + 1 - run, run);
        run = 0;
      }
      run++;
      next.state = "in flight";
      this.#sent.push(next);
      this.#sentBytes += next.bytes;
      bytes += next.bytes;
      taken.push(next);
    }
    const last = taken.at(-1);
    last?.call.sent(last.index + 1 - run, run);
    return taken;
  }

  #ready(link: Link, message: Outgoing<Item>): Promise<void> | undefined {
    try {
      return this.#target.ready?.(link, message);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #peek(): Outgoing<Item> | undefined {
    for (let first = this.#again[0]; first !== undefined; first = this.#again[0]) {
      if (first.call.open(first.index)) return first;
      this.#again.shift();
    }
    for (let call = this.#calls.peek(); call !== undefined; call = this.#calls.peek()) {
      if (!call.failed) {
        if (this.#next?.call !== call || this.#next.index !== call.next) {
          this.#next = new Outgoing(this, call, call.next, this.#target.bytesOf(call.items[call.next] as Item), this.#places++);
        }
        return this.#next;
      }
      this.#calls.shift();
    }
    this.#next = undefined;
    return undefined;
  }

  /** Takes out what `peek` has shown. */
  #shift(message: Outgoing<Item>): void {
    if (message === this.#again[0]) {
      this.#again.shift();
      return;
    }
    this.#next = undefined;
    if (++message.call.next === message.call.count) this.#calls.shift();
  }

  #waits(): boolean {
    return this.#peek() !== undefined;
  }

  #putBack(messages: readonly Outgoing<Item>[]): void {
    this.#again = [...this.#again, ...messages].sort((one, other) => one.place - other.place);
  }

  /** Nothing is sent before the promise has ended, or the link is lost. */
  #holdFor(promise: Promise<unknown>): void {
    const { epoch } = this.#keeper;
    this.#holds++;
    const go = (): void => {
      if (epoch === this.#keeper.epoch && --this.#holds === 0) this.#wake();
    };
    promise.then(go, go);
  }

  /** A while without sending, after a failure that passes; one at a time. */
  #pause(error: unknown): void {
    const { epoch } = this.#keeper;
    if (this.#pausing === epoch) return;
    this.#pausing = epoch;
    const over = (): void => {
      if (this.#pausing === epoch) this.#pausing = 0;
    };
    this.#holdFor(this.#keeper.pause(error).then(over));
  }

  #onUnready(message: Outgoing<Item>, error: unknown): void {
    if (isFinal(error)) message.reject(error);
    else this.#pause(error);
  }

  /** A batch failed. That of a link that is lost was judged with it, and may be on its way over the next one. */
  #onUnsent(batch: readonly Outgoing<Item>[], epoch: number, error: unknown): void {
    if (epoch === this.#keeper.epoch) this.#onFailure(batch, error);
  }

  /** What the link has not answered of the messages: nobody will. */
  #onFailure(messages: readonly Outgoing<Item>[], error: unknown): void {
    const open = messages.filter(({ state }) => state === "in flight");
    if (!this.#deduplicates) {
      for (const message of open) message.unknown(error);
      return;
    }
    for (const message of open) this.#land(message, "waiting");
    this.#putBack(open);
    if (this.#keeper.link !== undefined) this.#pause(error);
  }

  #onLost(error: unknown): void {
    this.#holds = 0;
    this.#onFailure([...this.#sent], error);
    this.#wake();
  }

  #giveUp(error: unknown): void {
    for (const { call } of [...this.#again]) call.giveUp(error);
    for (const call of [...this.#calls]) call.giveUp(error);
  }
}
