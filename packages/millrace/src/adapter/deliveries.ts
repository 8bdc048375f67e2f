import { MillraceError } from "../errors/index.ts";
import { type Deferred, quietDeferred } from "../internal/deferred.ts";
import { monotonicMs } from "../internal/timers.ts";
import type { Delivery, NackOptions, SubscribeOptions } from "../message/index.ts";
import { safeOrder } from "../message/safe-order.ts";
import { Appetite } from "./appetite.ts";
import { GivenBack } from "./given-back.ts";
import { InFlight } from "./in-flight.ts";
import { Lanes } from "./lanes.ts";
import type { IntakeOwner } from "./live-intake.ts";
import { Reading } from "./reading.ts";
import type { Received, Settler } from "./received.ts";
import type { KnownSettings } from "./settings.ts";
import { Settlements } from "./settlements.ts";
import type { Session, UndecodableRecord } from "./source.ts";
import type { StatusBoard } from "./status-board.ts";
import { WatchLeases } from "./watch-leases.ts";

/**
 * The way of messages through a subscription: in from the session, into their lanes, out to the reader, and their verdicts back
 * to the session.
 */
export class Deliveries implements Settler<unknown>, IntakeOwner {
  readonly lanes: Lanes;
  readonly inFlight: InFlight = new InFlight();
  readonly reading: Reading;
  readonly settlements: Settlements;
  readonly #topic: string;
  readonly #options: SubscribeOptions;
  readonly #settings: KnownSettings;
  readonly #status: StatusBoard;
  readonly #maxInFlight: number;
  readonly #appetite: Appetite;
  readonly #givenBack: GivenBack = new GivenBack();
  #session: Session<unknown> | undefined;
  /** The session of the moment, or the last one: what a delivery is does not change when its connection ends. */
  #latest: Session<unknown> | undefined;
  #paused = false;
  #ending = false;
  #sequence = 0;
  #fetching = false;
  /** Given back while there was no session to take them: the next one does. */
  #owed: readonly Received[] = [];
  #calm: Deferred<void> | undefined;
  readonly #watch: WatchLeases = new WatchLeases(this, () => this.#latest);

  constructor(topic: string, options: SubscribeOptions, settings: KnownSettings, status: StatusBoard) {
    this.#topic = topic;
    this.#options = options;
    this.#settings = settings;
    this.#status = status;
    const { orderBy, maxInFlight = 1 } = options;
    this.#maxInFlight = maxInFlight;
    const order =
      maxInFlight === 1 ? "one" : orderBy === "none" ? "none" : orderBy === undefined ? settings.orderingKey : safeOrder(orderBy, topic, settings.logger);
    this.lanes = new Lanes({ order, depth: options.perKey ?? 1 }, () => this.#move());
    this.#appetite = new Appetite(settings, maxInFlight, this.lanes, status);
    this.reading = new Reading(
      () => this.next(),
      () => this.#fetch(),
    );
    this.settlements = new Settlements({
      delayMs: settings.settleDelayMs,
      batch: settings.settleBatch,
      apart: settings.settlesApart,
      session: () => this.#session,
      onError: (error) => {
        status.error(error);
        settings.logger.warn({ topic, adapter: settings.adapter, error }, "verdicts could not be made durable, they are kept and offered again");
      },
      onForgotten: (count) => {
        settings.logger.warn({ topic, adapter: settings.adapter, count }, "deliveries were lost before their acks were durable, those messages may come again");
      },
    });
  }

  /** Messages delivered so far. */
  get delivered(): number {
    return this.#sequence;
  }

  /** Nothing is held and nothing is in flight. */
  get empty(): boolean {
    return this.inFlight.size === 0 && this.lanes.held === 0;
  }

  /** Resolves when nothing is in flight and, unless it is ending, nothing held. */
  get calm(): Promise<void> {
    this.#calm ??= quietDeferred();
    return this.#calm.promise;
  }

  /** Another session, or none for the time being. */
  connect(session: Session<unknown> | undefined): void {
    this.#session = session;
    this.#status.block("source", undefined); // what held the former session up
    if (session === undefined) {
      this.#watch.start();
      return;
    }
    this.#watch.stop();
    this.#latest = session;
    const owed = this.#owed;
    this.#owed = [];
    if (owed.length > 0) session.giveBack(owed);
    this.#appetite.restart();
    this.settlements.send();
    this.#move();
  }

  pause(): void {
    this.#paused = true;
    this.#appetite.stop(this.#session);
    this.#giveBack(this.lanes.remove());
  }

  resume(): void {
    this.#paused = false;
    this.#move();
  }

  /** Hands out nothing more, ends the reading, gives back what was not handed out. */
  end(): void {
    this.#ending = true;
    this.#appetite.stop(this.#session);
    this.reading.end();
    this.#giveBack(this.lanes.remove());
  }

  /** What is still in flight is aborted and given back, uncounted. */
  giveUp(): void {
    const late = [...this.inFlight];
    if (late.length > 0) {
      const { logger } = this.#settings;
      logger.warn({ topic: this.#topic, count: late.length, id: late[0]?.id }, "the drain's deadline is over, unsettled messages are given back");
    }
    for (const message of late) {
      const reason = new MillraceError(`the subscription closed before message ${message.id} was settled`, { code: "DRAIN_DEADLINE" });
      if (!message.lose(reason)) continue;
      this.inFlight.remove(message);
      this.#giveBack([message.again(message.attempt)]);
    }
    this.#calm?.resolve();
  }

  /** The next message, if one may be handed out now. */
  next(): Received | undefined {
    if (this.inFlight.size >= this.#maxInFlight || this.#paused || this.#ending) return undefined;
    const message = this.lanes.take();
    if (message !== undefined) this.inFlight.add(message);
    if (this.#appetite.hungry) this.#fetch();
    return message;
  }

  // ── what messages call ──

  holds(message: Received): boolean {
    // Also while there is no session: a lease runs out all the same.
    const session = this.#latest;
    if (session?.holds === undefined || session.holds(message)) return true;
    this.#lose(message);
    return false;
  }

  onAck(message: Received): void {
    this.inFlight.remove(message);
    this.#appetite.onSettled();
    this.lanes.release(message);
    const session = this.#session;
    if (session?.acked === undefined) this.#settleAck(message);
    else session.acked(message);
    this.#move();
  }

  #settleAck(message: Received): void {
    const idle = this.inFlight.size === 0 && this.lanes.atHand === 0;
    // What is wanted now goes with the verdicts, where a broker is asked for it.
    if (idle && !this.#settings.settlesApart) this.#fetch();
    this.settlements.add({ kind: "ack", message }, idle);
  }

  onNack(message: Received, options: NackOptions | undefined): void {
    const delayMs = options?.delayMs ?? 0;
    const counted = options?.uncounted !== true;
    const attempt = counted ? message.attempt + 1 : message.attempt;
    this.inFlight.remove(message);
    if (counted) this.#appetite.onSettled();
    if (this.#ending || this.#paused) this.#leave(message, attempt, delayMs);
    else if (this.#settings.returns && message.lane === undefined && counted) {
      this.#givenBack.remember([message.again(attempt, monotonicMs() + delayMs)]); // it may come although the broker has not taken it back
      this.settlements.add({ kind: "return", message, delayMs }, this.inFlight.size === 0);
    } else {
      this.lanes.back(message, attempt, delayMs);
      if (this.#settings.keepsAttempts && counted) this.settlements.addNow({ kind: "kept", message, attempt });
    }
    this.#move();
  }

  orderOf(message: Received): string | undefined {
    return this.#settings.orderingKey(message);
  }

  describe(message: Received): Delivery {
    return { topic: this.#topic, attempt: message.attempt, group: this.#options.group, ...this.#latest?.describe?.(message) };
  }

  // ── what sessions call ──

  deliver(delivered: Received): void {
    delivered.adopt(this, ++this.#sequence);
    const message = this.#givenBack.size === 0 ? delivered : this.#givenBack.restored(delivered);
    this.#appetite.onDelivered(message.payload.length);
    const ready = this.lanes.add(message);
    if (this.#appetite.overfull) this.#appetite.stop(this.#session);
    this.reading.feed();
    // With nothing but busy keys at hand and room for more, others are looked for.
    if (!ready && this.inFlight.size < this.#maxInFlight && this.#appetite.hungry) this.#fetch();
  }

  lose(which: (message: Received) => boolean): void {
    this.settlements.forget(which);
    this.#givenBack.remember(this.lanes.remove(which));
    if (this.#owed.length > 0) this.#owed = this.#owed.filter((message) => !which(message));
    for (const message of [...this.inFlight].filter(which)) this.#lose(message); // whoever is told may settle others at once
    this.#move();
  }

  recall(which: (message: Received) => boolean): readonly Received[] {
    const recalled = this.#givenBack.remember(this.lanes.remove(which));
    this.#move();
    return recalled;
  }

  blocked(detail: string | undefined): void {
    this.#status.block("source", detail);
  }

  async undecodable(record: UndecodableRecord, again: boolean = false): Promise<boolean> {
    const deadLetter = this.#options.undecodable;
    if (!again) {
      const { logger, adapter } = this.#settings;
      const { position, error } = record;
      this.#status.undecodable(position);
      logger.error({ topic: this.#topic, adapter, position, error, deadLetter: deadLetter !== undefined }, "a record could not be decoded, it is stepped over");
    }
    await deadLetter?.({ ...record, topic: this.#topic });
    return deadLetter !== undefined;
  }

  /** Something changed: hand out, fetch, or tell who waits for calm. */
  #move(): void {
    this.reading.feed();
    if (this.#appetite.hungry) this.#fetch();
    if (this.#calm !== undefined) this.#tellCalm(this.#calm);
  }

  #tellCalm(calm: Deferred<void>): void {
    if (this.inFlight.size > 0 || (this.lanes.held > 0 && !this.#ending)) return;
    this.#calm = undefined;
    calm.resolve();
  }

  #fetch(): void {
    if (this.#fetching) return; // a source may deliver at once: then the loop below looks again
    this.#fetching = true;
    try {
      for (let before = -1; before !== this.#sequence; ) {
        const session = this.#session;
        if (session === undefined || this.#paused || this.#ending || !this.reading.begun) return;
        before = this.#sequence;
        this.#appetite.fetch(session);
        if (!this.#appetite.hungry || this.inFlight.size >= this.#maxInFlight) return;
      }
    } finally {
      this.#fetching = false;
    }
  }

  /** Nothing more is handed out here: it is another member's. */
  #leave(message: Received, attempt: number, delayMs: number): void {
    this.lanes.release(message);
    this.#giveBack([message.again(attempt, delayMs > 0 ? monotonicMs() + delayMs : 0)]);
  }

  #giveBack(messages: readonly Received[]): void {
    if (messages.length === 0) return;
    this.#givenBack.remember(messages);
    if (this.#session === undefined) this.#owed = [...this.#owed, ...messages];
    else this.#session.giveBack(messages);
  }

  #lose(message: Received): void {
    const reason = new MillraceError(`the delivery of message ${message.id} was lost: the broker may give it to another`, { code: "DELIVERY_LOST" });
    if (!message.lose(reason)) return;
    this.#givenBack.remember([message]);
    this.inFlight.remove(message);
    this.lanes.release(message);
    this.#move();
  }
}
