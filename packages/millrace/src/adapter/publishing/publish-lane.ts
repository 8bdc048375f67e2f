import { MillraceError } from "../../errors/index.ts";
import { type Backoff, backoffMs } from "../../internal/backoff.ts";
import { Ring } from "../../internal/ring.ts";
import { laterTurn, sleep } from "../../internal/timers.ts";
import { guarded } from "../../logger/guarded-logger.ts";
import type { Logger } from "../../logger/index.ts";
import { knownBackoff } from "../../options/index.ts";
import { RECONNECT_DEFAULTS } from "../settings.ts";
import { type AnswerDesk, Outgoing } from "./outgoing.ts";
import type { PublishCall } from "./publish-call.ts";
import { isFinal } from "./publish-error.ts";
import type { PublishQueueRules } from "./publish-rules.ts";
import type { PublishTarget } from "./publish-target.ts";

const WINDOW = 1000;
const WINDOW_BYTES = 8 * 1024 * 1024;

/** One try to have a link, from its beginning to its loss. */
interface Up<Link> {
  link: Link | undefined;
  /** What nothing is sent before: the link being ready, the end of a batch, a pause after a failure. */
  holds: number;
  pauses: boolean;
  /** It has answered something. */
  worked: boolean;
  over: boolean;
}

/**
 * One order of messages, sent over one link in a window of messages without an answer. The link is opened while something is to be sent, and
 * again when it breaks, with backoff.
 */
export class PublishLane<Item, Link> implements AnswerDesk {
  readonly #name: string;
  readonly #target: PublishTarget<Item, Link>;
  readonly #rules: PublishQueueRules;
  readonly #window: number;
  readonly #windowBytes: number;
  /** Where it is told why nothing can be sent. */
  readonly #shown: { trouble: unknown };
  readonly #stop: AbortSignal;
  readonly #logger: Logger;
  readonly #reconnect: Backoff;
  /** Were on no link yet. */
  readonly #fresh: Ring<Outgoing<Item>> = new Ring();
  /** Were on one, in order; the oldest has no answer. What waits among them is sent again before all that is fresh. */
  readonly #sent: Ring<Outgoing<Item>> = new Ring();
  /** Of those that are in flight. */
  #bytes = 0;
  /** Some of what was sent may wait. */
  #repeats = false;
  #scheduled = false;
  #up: Up<Link> | undefined;
  #connecting = false;
  /** In a row, without an answer between them. */
  #failures = 0;

  constructor(name: string, target: PublishTarget<Item, Link>, rules: PublishQueueRules, shown: { trouble: unknown }, stop: AbortSignal) {
    this.#name = name;
    this.#target = target;
    this.#rules = rules;
    this.#window = rules.window ?? WINDOW;
    this.#windowBytes = rules.windowBytes ?? WINDOW_BYTES;
    this.#shown = shown;
    this.#stop = stop;
    this.#logger = guarded(rules.logger);
    this.#reconnect = knownBackoff(rules.reconnect ?? {}, RECONNECT_DEFAULTS);
  }

  /** Nothing waits, and nothing is without an answer. */
  get rests(): boolean {
    return !this.#connecting && !this.#holds && this.#sent.size === 0 && this.#next() === undefined;
  }

  push(call: PublishCall<Item>): void {
    for (let index = 0; index < call.count; index++) {
      const item = call.items[index] as Item;
      this.#fresh.push(new Outgoing(this, call, index, item, this.#target.bytesOf(item)));
    }
    this.#wake();
  }

  async disconnect(): Promise<void> {
    const up = this.#up;
    this.#up = undefined;
    if (up === undefined) return;
    up.over = true;
    await this.#leave(up.link as Link);
  }

  onAnswer(message: Outgoing<Item>, told: boolean): void {
    if (told) {
      if (this.#up !== undefined) this.#up.worked = true;
      if (this.#failures > 0) this.#shown.trouble = undefined;
      this.#failures = 0;
    }
    this.#land(message, "answered");
    if (this.#up !== undefined) this.#wake();
  }

  onAgain(message: Outgoing<Item>, error: unknown): void {
    this.#land(message, "waiting");
    message.call.unsent(message.index);
    this.#pause(error);
  }

  get #holds(): boolean {
    return this.#up !== undefined && this.#up.holds > 0;
  }

  /** It is not in flight any more. */
  #land(message: Outgoing<Item>, state: "answered" | "waiting"): void {
    if (message.state === "in flight") this.#bytes -= message.bytes;
    if (state === "waiting") this.#repeats = true;
    message.state = state;
    this.#trim();
  }

  #trim(): void {
    while (this.#sent.peek()?.state === "answered") this.#sent.shift();
  }

  /**
   * In a later turn: calls made at once go together. When nothing is under way it takes a turn more, so that a link that was just cut has
   * shown it: what was not sent can wait for the next one.
   */
  #wake(): void {
    if (this.#scheduled || this.#holds || this.#next() === undefined) return;
    this.#scheduled = true;
    const pump = (): void => this.#pump();
    if (this.#sent.size > 0) laterTurn(pump);
    else laterTurn(() => laterTurn(pump));
  }

  #pump(): void {
    this.#scheduled = false;
    const up = this.#up;
    if (this.#stop.aborted || this.#holds) return;
    if (up === undefined) return void this.#connect();
    const batch = this.#take(up);
    if (batch.length === 0) return;
    try {
      const sending = this.#target.send(up.link as Link, batch);
      if (sending instanceof Promise) this.#holdFor(sending.catch((error: unknown) => this.#onFailure(batch, error, up)));
    } catch (error) {
      this.#onFailure(batch, error);
    }
    if (this.#repeats || this.#isOpen()) this.#wake();
  }

  /** The window has room. One message may be of any size. */
  #isOpen(): boolean {
    return this.#sent.size < this.#window && (this.#bytes < this.#windowBytes || this.#sent.size === 0);
  }

  /** As many of the next messages as the window and a batch take: from here on they are sent. */
  #take({ link }: Up<Link>): Outgoing<Item>[] {
    const { batch = this.#window, batchBytes = this.#windowBytes } = this.#rules;
    const taken: Outgoing<Item>[] = [];
    let bytes = 0;
    while (taken.length < batch) {
      const next = this.#next();
      if (next === undefined || (taken.length > 0 && bytes + next.bytes > batchBytes)) break;
      const isFresh = next === this.#fresh.peek();
      if (isFresh && !this.#isOpen()) break;
      const ready = this.#ready(link as Link, next);
      if (ready !== undefined) {
        this.#holdFor(ready.catch((error: unknown) => (isFinal(error) ? next.reject(error) : this.#pause(error))));
        break;
      }
      if (isFresh) this.#sent.push(this.#fresh.shift() as Outgoing<Item>);
      next.state = "in flight";
      next.call.sent(next.index);
      this.#bytes += next.bytes;
      bytes += next.bytes;
      taken.push(next);
    }
    return taken;
  }

  #ready(link: Link, message: Outgoing<Item>): Promise<void> | undefined {
    try {
      return this.#target.ready?.(link, message);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The next one to be sent. Those that nobody waits for any more are let go. */
  #next(): Outgoing<Item> | undefined {
    if (this.#repeats) {
      for (const message of this.#sent) {
        if (message.state !== "waiting") continue;
        if (message.call.open(message.index)) return message;
        message.state = "answered";
      }
      this.#repeats = false;
      this.#trim();
    }
    while (this.#fresh.peek()?.call.failed === true) this.#fresh.shift();
    return this.#fresh.peek();
  }

  /** Nothing is sent before the promise has ended, or the link is lost. */
  #holdFor(promise: Promise<unknown>): void {
    const up = this.#up;
    if (up === undefined) return;
    up.holds++;
    const go = (): void => {
      up.holds--;
      if (up === this.#up) this.#wake();
    };
    promise.then(go, go);
  }

  /** A while without sending, after a failure that passes; one at a time. */
  #pause(error: unknown): void {
    const up = this.#up;
    if (up === undefined || up.pauses) return;
    this.#shown.trouble = error;
    this.#failures++;
    up.pauses = true;
    const over = (): void => {
      up.pauses = false;
    };
    this.#holdFor(this.#backOff().then(over, over));
  }

  /** What the link has not answered of the messages: nobody will. */
  #onFailure(messages: readonly Outgoing<Item>[], error: unknown, up: Up<Link> | undefined = this.#up): void {
    if (up !== this.#up) return; // judged when their link was lost, and maybe on their way over the next one
    const again = this.#rules.deduplicates === true;
    for (const message of messages) {
      if (message.state !== "in flight") continue;
      if (again) this.#land(message, "waiting");
      else message.unknown(error);
    }
    if (again) this.#pause(error);
  }

  /** Again and again while something is to be sent. Never rejects. */
  async #connect(): Promise<void> {
    if (this.#connecting || this.#next() === undefined) return;
    this.#connecting = true;
    while (!this.#stop.aborted && this.#up === undefined && this.#next() !== undefined) {
      try {
        if (this.#failures > 0) await this.#backOff(); // at once after a link that has worked
        if (this.#next() !== undefined) await this.#open();
      } catch (error) {
        if (this.#stop.aborted) break;
        this.#onTrouble(error, "publishing waits for a connection", { attempt: ++this.#failures });
        if (isFinal(error)) for (const message of [...this.#sent, ...this.#fresh]) message.call.giveUp(error);
      }
    }
    this.#connecting = false;
    this.#pump();
  }

  async #open(): Promise<void> {
    // Whoever waits for a connection that hangs is told as for one that fails.
    this.#shown.trouble ??= new MillraceError("the broker has not answered so far", { code: "BROKER_UNREACHABLE", retryable: true });
    const up: Up<Link> = { link: undefined, holds: 0, pauses: false, worked: false, over: false };
    const link = await this.#target.connect(this.#name, (error) => this.#onLost(up, error), this.#stop);
    if (up.over) return;
    if (this.#stop.aborted) return await this.#leave(link);
    up.link = link;
    this.#up = up;
    this.#shown.trouble = undefined;
  }

  #onLost(up: Up<Link>, error: unknown): void {
    if (up.over || this.#stop.aborted) return;
    up.over = true;
    if (!up.worked) this.#failures++;
    this.#onTrouble(error, "a connection for publishing was lost");
    if (up !== this.#up) return; // it was not wholly open
    this.#up = undefined;
    this.#onFailure([...this.#sent], error);
    this.#wake();
  }

  #onTrouble(error: unknown, text: string, fields: object = {}): void {
    this.#shown.trouble = error;
    this.#logger.warn({ adapter: this.#rules.adapter, lane: this.#name, ...fields, error }, text);
  }

  #backOff(): Promise<void> {
    return sleep(backoffMs(this.#failures, this.#reconnect), this.#stop);
  }

  async #leave(link: Link): Promise<void> {
    try {
      await this.#target.disconnect(link);
    } catch (error) {
      this.#logger.warn({ adapter: this.#rules.adapter, lane: this.#name, error }, "a connection for publishing could not be closed properly");
    }
  }
}
