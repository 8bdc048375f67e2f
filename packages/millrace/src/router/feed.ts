import { whileBusy } from "../adapter/index.ts";
import { MillraceError } from "../errors/index.ts";
import { asError } from "../internal/as-error.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { sleep, wallMs } from "../internal/timers.ts";
import { type BriefMessage, type InHand, inHandOf, type Taker } from "../message/in-hand.ts";
import type { DrainOptions, ReceivedMessage, SubscribeOptions, Subscriber, Subscription, SubscriptionStatus } from "../message/index.ts";
import { type SubscriptionDoor, subscriptionDoor } from "../message/subscription-door.ts";
import { admit } from "./admission.ts";
import type { Origin } from "./calls/company.ts";
import type { Desk } from "./calls/desk.ts";
import { untilHead } from "./calls/in-line.ts";
import type { HandlingMode } from "./handling/handling-mode.ts";
import { Reader } from "./reader.ts";

const RESUBSCRIBE = { minDelayMs: 100, maxDelayMs: 5000 };
const LOOK_AGAIN_MS = 5;

export interface FeedParts {
  readonly topic: string;
  /** With its decorators. */
  readonly subscriber: Subscriber;
  readonly options: SubscribeOptions;
  readonly desk: Desk;
  readonly mode: HandlingMode;
  /** Messages take a slot each before they are read. */
  readonly slotEach: boolean;
  /** The subscription has ended although nobody stopped the handler: all was read, or, with an error, it cannot be had again. */
  readonly onGone: (lostBy?: Error) => void;
  readonly onStatus: () => void;
}

/** One topic of a handler: its subscription, taken up again when it breaks, and the reading of it. */
export class Feed implements Origin {
  readonly topic: string;
  readonly #parts: FeedParts;
  readonly #desk: Desk;
  readonly #mode: HandlingMode;
  readonly #taker: Taker;
  readonly #stop: AbortController = new AbortController();
  /** Ends a subscribe that is still under way; never aborted once it has come. */
  #opening: AbortController = new AbortController();
  #subscription: Subscription | undefined;
  #door: SubscriptionDoor | undefined;
  #reader: Reader | undefined;
  #broken: { readonly since: Date; readonly error: Error } | undefined;
  #paused = false;
  #finished = false;
  #onPause: Deferred<true> | undefined;
  /** What earlier subscriptions of this feed have counted. */
  #counted = { undecodable: 0, reconnected: 0 };

  constructor(parts: FeedParts) {
    this.topic = parts.topic;
    this.#parts = parts;
    this.#desk = parts.desk;
    this.#mode = parts.mode;
    this.#taker = { ...parts.desk.taker, makeCall: (message) => parts.desk.makeCall(message as BriefMessage, this) };
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** All that will ever come was read and handled. */
  get finished(): boolean {
    return this.#finished;
  }

  get counts(): { readonly undecodable: number; readonly reconnected: number } {
    const own = this.#door?.counts ?? { undecodable: 0, reconnected: 0 };
    return { undecodable: this.#counted.undecodable + own.undecodable, reconnected: this.#counted.reconnected + own.reconnected };
  }

  /** Subscribes; nothing is read yet. Rejects at once when it is stopped meanwhile. */
  async open(): Promise<void> {
    await this.#subscribe();
  }

  /** Begins to read. */
  read(): void {
    const subscription = this.#subscription;
    if (subscription !== undefined && !this.#stop.signal.aborted) void this.#live(subscription);
  }

  pause(): void {
    this.#paused = true;
    this.#onPause?.resolve(true);
    this.#onPause = undefined;
    this.#reader?.pause();
    this.#subscription?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#reader?.resume();
    this.#subscription?.resume();
  }

  async stop(options: DrainOptions): Promise<void> {
    const stopped = new MillraceError("the handler was stopped", { code: "HANDLER_STOPPED" });
    this.#stop.abort(stopped);
    this.#opening.abort(stopped);
    this.#reader?.end();
    await this.#subscription?.drain(options);
  }

  /** A message of it could not be settled. */
  broken(error: unknown): void {
    this.#reader?.end(error);
    const subscription = this.#subscription;
    if (this.#stop.signal.aborted && subscription !== undefined) dispose(subscription); // it would wait for that message
  }

  status(): SubscriptionStatus {
    const status = this.#subscription?.status() ?? { state: "starting" as const, since: new Date(wallMs()), inFlight: 0, held: 0 };
    const broken = this.#broken;
    return broken === undefined ? status : { ...status, state: "reconnecting", since: broken.since, lastError: broken.error };
  }

  /** Resolves when nothing is held, in flight or left to fetch; at once when it is paused, stopped or read to its end. */
  async idle(signal: AbortSignal): Promise<void> {
    while (!this.#stop.signal.aborted && !this.#paused && !this.#finished && !signal.aborted) {
      const subscription = this.#subscription;
      if (subscription === undefined) return;
      if (this.#broken !== undefined) {
        await sleep(LOOK_AGAIN_MS);
        continue;
      }
      if (this.#door !== undefined) {
        const paused = await Promise.race([this.#door.idle(signal), this.#untilPaused()]);
        if (paused) continue;
      }
      const { inFlight, held, state } = subscription.status();
      // A stopped one is about to be taken up again, or given up.
      const alive = this.#subscription === subscription && state !== "stopped" && state !== "reconnecting";
      if (alive && inFlight === 0 && held === 0) return;
      await sleep(LOOK_AGAIN_MS);
    }
  }

  #untilPaused(): Promise<true> {
    this.#onPause ??= deferred();
    return this.#onPause.promise;
  }

  async #subscribe(): Promise<Subscription> {
    const { subscriber, options, topic, onStatus } = this.#parts;
    this.#opening = new AbortController();
    const { signal } = this.#opening;
    if (this.#stop.signal.aborted) throw this.#stop.signal.reason;
    const made = Promise.resolve(subscriber.subscribe(topic, { ...options, signal }));
    const stopped = new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
    let subscription: Subscription;
    try {
      subscription = await Promise.race([made, stopped]);
    } catch (error) {
      made.then(dispose, () => {}); // should it still come
      throw error;
    }
    stopped.catch(() => {});
    if (signal.aborted) {
      dispose(subscription);
      throw signal.reason;
    }
    this.#opening = new AbortController(); // its signal would close the subscription without a drain
    this.#count();
    this.#subscription = subscription;
    this.#door = subscriptionDoor(subscription);
    this.#door?.onStatus(onStatus);
    if (this.#paused) subscription.pause();
    return subscription;
  }

  #count(): void {
    this.#counted = this.counts;
    this.#door = undefined;
  }

  async #live(first: Subscription): Promise<void> {
    const { desk, onGone, onStatus } = this.#parts;
    for (let subscription: Subscription | undefined = first; subscription !== undefined; ) {
      const failure = await this.#readAll(subscription);
      if (this.#stop.signal.aborted) return;
      if (failure === undefined && subscription.finished) {
        desk.log("info", undefined, { topic: this.topic }, "the input has been read to its end, the handler stops");
        this.#finished = true;
        return onGone();
      }
      const error = failure ?? new MillraceError("the subscription ended although nobody closed it", { code: "SUBSCRIPTION_ENDED", retryable: true });
      this.#broken = { since: new Date(wallMs()), error: asError(error) };
      desk.log("error", undefined, { topic: this.topic, error }, "the subscription broke, it is taken up again");
      onStatus();
      dispose(subscription); // should it not have ended: what it holds is to come again
      subscription = await this.#resubscribe();
      if (subscription === undefined) continue;
      this.#broken = undefined;
      this.#counted = { ...this.#counted, reconnected: this.#counted.reconnected + 1 };
      onStatus();
    }
    if (!this.#stop.signal.aborted) onGone(this.#broken?.error);
  }

  async #readAll(subscription: Subscription): Promise<unknown> {
    const { desk, slotEach } = this.#parts;
    try {
      const reader = new Reader(subscription, slotEach ? desk.slots : undefined, (message) => this.#hand(message));
      this.#reader = reader;
      if (this.#paused) reader.pause();
      return await reader.run();
    } catch (error) {
      return error ?? new MillraceError("the subscription cannot be read", { code: "SUBSCRIPTION_ENDED", retryable: true });
    }
  }

  #hand(message: ReceivedMessage): void {
    const desk = this.#desk;
    if (this.#mode.handleBriefly !== undefined && desk.takesBriefly && isBrief(message)) {
      this.#handBriefly(message);
      return;
    }
    const call = desk.open(message, this);
    if (call.over) return; // lost on its way here
    if (desk.mustLookAt(call)) void this.#admit(call);
    else this.#mode.handle(call);
    desk.keep(call);
  }

  /** The straight way of nearly all messages: with a handler that ends at once there is nothing to remember. */
  #handBriefly(message: BriefMessage): void {
    const desk = this.#desk;
    desk.openBriefly(message, this.#taker);
    const call = this.#mode.handleBriefly?.(message, this);
    if (call !== undefined) desk.keep(call);
  }

  async #admit(call: ReturnType<Desk["open"]>): Promise<void> {
    const { desk, mode } = this.#parts;
    if (!(await admit(call, desk))) return;
    if (desk.waitsInLine) {
      await untilHead(call);
      if (call.overtaken) return call.goBack();
    }
    if (!call.over) mode.handle(call);
  }

  async #resubscribe(): Promise<Subscription | undefined> {
    const { desk } = this.#parts;
    const { signal } = this.#stop;
    let attempt = 0;
    const subscribe = (): Promise<Subscription> => {
      attempt++;
      return this.#subscribe();
    };
    try {
      const subscription = await whileBusy(subscribe, {
        ...RESUBSCRIBE,
        signal,
        failures: 1,
        isBusy: (error) => !signal.aborted && !isClosed(error),
        onBusy: (error) => desk.log("error", undefined, { topic: this.topic, attempt, error }, "subscribing again failed, trying on"),
      });
      desk.log("info", undefined, { topic: this.topic, attempt }, "the subscription is back");
      return subscription;
    } catch (error) {
      if (signal.aborted) return undefined;
      this.#broken = { since: new Date(wallMs()), error: error as Error };
      desk.log("error", undefined, { topic: this.topic, error }, "the subscriber is closed, the handler stops");
      return undefined;
    }
  }
}

function isClosed(error: unknown): boolean {
  return MillraceError.is(error) && error.code === "CLOSED";
}

/** It is its own `InHand`, and was not lost on its way here. */
function isBrief(message: ReceivedMessage): message is BriefMessage {
  return inHandOf(message) === (message as ReceivedMessage | InHand) && (message as BriefMessage).verdict === undefined;
}

function dispose(subscription: Subscription): void {
  void (async () => await subscription[Symbol.asyncDispose]())().catch(() => {});
}
