import { MillraceError } from "../errors/index.ts";
import { type Deferred, quietDeferred } from "../internal/deferred.ts";
import { monotonicMs, sleep } from "../internal/timers.ts";
import { LATE, within } from "../internal/within.ts";
import type { SubscribeDoors } from "../message/doors.ts";
import type { Delivery, DrainOptions, NackOptions, ReceivedMessage, SubscribeOptions, Subscription, SubscriptionStatus } from "../message/index.ts";
import { InFlight } from "./in-flight.ts";
import { Lanes } from "./lanes.ts";
import { Prefetch } from "./prefetch.ts";
import { Reading } from "./reading.ts";
import type { Received, Settler } from "./received.ts";
import { type AdapterSettings, type KnownSettings, knownSettings } from "./settings.ts";
import { Settlements } from "./settlements.ts";
import type { Intake, Session, Source, UndecodableRecord } from "./source.ts";
import { StatusBoard } from "./status-board.ts";
import { Supervisor } from "./supervisor.ts";
import { watchHeld } from "./watch-held.ts";

const DRAIN_MS = 30_000;
const FLUSH_MS = 5_000;
const FLUSH_RETRY_MS = 50;

export interface AdapterSubscriptionOptions<Receipt> {
  readonly topic: string;
  readonly options: SubscribeOptions;
  readonly settings: AdapterSettings;
  readonly source: Source<Receipt>;
  /** Called once, when it has closed or failed for good. */
  readonly onClosed?: (() => void) | undefined;
}

/**
 * The subscription that every adapter hands out. The adapter's `Source` fetches and settles; this class does the rest:
 * hands out in order (`Lanes`), to one reader (`Reading`), holds ahead as much as the pace allows (`Prefetch`), gathers verdicts
 * (`Settlements`), heals (`Supervisor`), drains and tells its status.
 */
export class AdapterSubscription<Receipt = unknown> implements Subscription, Settler<unknown> {
  readonly topic: string;
  readonly #options: SubscribeOptions & SubscribeDoors;
  readonly #settings: KnownSettings;
  readonly #lanes: Lanes;
  readonly #inFlight: InFlight = new InFlight();
  readonly #maxInFlight: number;
  readonly #prefetch: Prefetch;
  readonly #settlements: Settlements;
  readonly #supervisor: Supervisor;
  readonly #status: StatusBoard = new StatusBoard();
  readonly #closed: Deferred<void> = quietDeferred();
  readonly #onClosed: (() => void) | undefined;
  readonly #reading: Reading;
  /** The session of the moment; the supervisor's, kept here because every message asks for it. */
  #session: Session<unknown> | undefined;
  #sequence = 0;
  /** Asked of the session and not delivered yet. */
  #wanted = 0;
  #paused = false;
  #closing = false;
  #draining: Promise<void> | undefined;
  #calm: Deferred<void> | undefined;
  #stopWatch: () => void = () => {};
  #offSignal: () => void = () => {};

  constructor({ topic, options, settings, source, onClosed }: AdapterSubscriptionOptions<Receipt>) {
    this.topic = topic;
    this.#options = options;
    this.#settings = knownSettings(settings);
    this.#onClosed = onClosed;
    const { prefetch, leaseMs, settleDelayMs, settleBatch, logger, adapter, orderingKey } = this.#settings;
    const { orderBy } = options;
    this.#maxInFlight = options.maxInFlight ?? 1;
    const order = this.#maxInFlight === 1 ? "one" : orderBy === "none" ? "none" : (orderBy ?? orderingKey);
    this.#lanes = new Lanes({ order, depth: this.#options["millrace.laneDepth"] ?? 1 }, () => this.#move());
    this.#prefetch = new Prefetch(this.#maxInFlight, prefetch, leaseMs);
    this.#reading = new Reading(
      () => this.#next(),
      () => this.#fetch(),
    );
    this.#settlements = new Settlements({
      delayMs: settleDelayMs,
      batch: settleBatch,
      session: () => this.#session,
      onError: (error) => {
        this.#status.error(error);
        logger.warn({ topic, adapter, error }, "verdicts could not be made durable, they are kept and offered again");
      },
    });
    this.#supervisor = new Supervisor(
      source as Source<unknown>,
      {
        intake: (onFail) => this.#intake(onFail),
        onUp: (session) => this.#onUp(session),
        onDown: (error) => {
          this.#session = undefined;
          this.#status.error(error);
          this.#status.set("reconnecting");
        },
        onFatal: (error) => this.#fail(error),
      },
      { ...this.#settings, topic },
    );
  }

  /** Opens the first session. Rejects, with nothing left open, when that fails. */
  async start(): Promise<this> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    await this.#supervisor.start();
    this.#stopWatch = watchHeld(this.#inFlight, this.#lanes, this.#settings.logger, this.topic);
    if (signal !== undefined) {
      const onAbort = (): void => void this.close().catch(() => {});
      signal.addEventListener("abort", onAbort, { once: true });
      this.#offSignal = () => signal.removeEventListener("abort", onAbort);
      if (signal.aborted) onAbort();
    }
    return this;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  status(): SubscriptionStatus {
    return this.#status.read(this.#inFlight.size, this.#lanes.held, this.#session?.lag?.());
  }

  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage> {
    return this.#reading.open(this.topic);
  }

  "millrace.take"(): ReceivedMessage | undefined {
    return this.#reading.mayTake ? this.#next() : undefined;
  }

  async "millrace.quiet"(): Promise<void> {
    while (!this.#closing && !this.#reading.ended) {
      if (this.#inFlight.size === 0 && this.#lanes.held === 0) {
        const before = this.#sequence;
        const nothingLeft = this.#session?.caughtUp === undefined || (await this.#session.caughtUp());
        if (nothingLeft && before === this.#sequence && this.#session !== undefined) return;
        await sleep(5);
      } else {
        this.#calm ??= quietDeferred();
        await this.#calm.promise;
      }
    }
  }

  pause(): void {
    if (this.#paused || this.#closing) return;
    this.#paused = true;
    this.#want(this.#session, 0);
    this.#giveBackHeld();
    this.#updateState();
  }

  resume(): void {
    if (!this.#paused || this.#closing) return;
    this.#paused = false;
    this.#updateState();
    this.#move();
  }

  async flush(): Promise<void> {
    await this.#settlements.flush();
  }

  drain(options: DrainOptions = {}): Promise<void> {
    this.#draining ??= this.#drain(options.timeoutMs ?? DRAIN_MS, options.signal);
    return this.#draining;
  }

  close(): Promise<void> {
    return this.drain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain({ timeoutMs: 0 });
  }

  // ── verdicts ──

  holds(message: Received): boolean {
    const session = this.#session;
    if (session?.holds === undefined || session.holds(message)) return true;
    this.#loseOne(message);
    return false;
  }

  onAck(message: Received): void {
    this.#inFlight.remove(message);
    this.#prefetch.count();
    this.#lanes.release(message);
    const session = this.#session;
    if (session?.acked === undefined) this.#settlements.add({ kind: "ack", message }, this.#inFlight.size === 0 && this.#lanes.ready === 0);
    else session.acked(message);
    this.#move();
  }

  onNack(message: Received, options: NackOptions | undefined): void {
    const delayMs = options?.delayMs ?? 0;
    this.#inFlight.remove(message);
    this.#prefetch.count();
    if (this.#closing) {
      this.#lanes.release(message);
      this.#session?.giveBack([message.again(message.attempt + 1)]);
    } else if (this.#settings.returns && message.lane === undefined) {
      this.#settlements.add({ kind: "return", message, delayMs }, this.#inFlight.size === 0);
    } else {
      this.#lanes.retry(message, delayMs);
      if (this.#settings.keepsAttempts) this.#settlements.add({ kind: "kept", message, attempt: message.attempt + 1 }, true);
    }
    this.#move();
  }

  onHandBack(message: Received): void {
    this.#inFlight.remove(message);
    if (this.#closing) {
      this.#lanes.release(message);
      this.#session?.giveBack([message.again(message.attempt)]);
    } else {
      this.#lanes.handBack(message);
    }
    this.#move();
  }

  describe(message: Received): Delivery {
    return { topic: this.topic, attempt: message.attempt, group: this.#options.group, ...this.#session?.describe?.(message) };
  }

  // ── messages: in, out, on ──

  /** The next message, if one may be handed out now. */
  #next(): Received | undefined {
    if (this.#inFlight.size >= this.#maxInFlight || this.#paused || this.#closing) return undefined;
    const message = this.#lanes.take();
    if (message !== undefined) this.#inFlight.add(message);
    if (this.#lanes.ready * 2 < this.#prefetch.target) this.#fetch();
    return message;
  }

  /** Something changed: hand out, fetch, or tell who waits for calm. */
  #move(): void {
    this.#reading.feed();
    if (this.#lanes.ready === 0 && this.#inFlight.size < this.#maxInFlight) this.#fetch();
    if (this.#inFlight.size === 0 && this.#calm !== undefined && (this.#lanes.held === 0 || this.#closing)) {
      this.#calm.resolve();
      this.#calm = undefined;
    }
  }

  #fetch(): void {
    const session = this.#session;
    if (this.#wanted * 2 >= this.#prefetch.target || session === undefined || this.#paused || this.#closing || !this.#reading.begun) return;
    const { parkLimit, parkBytes, prefetchBytes } = this.#settings;
    const lanes = this.#lanes;
    const full = lanes.parked >= parkLimit || lanes.parkedBytes >= parkBytes;
    this.#status.block("parked", full ? parkedText(lanes) : undefined);
    if (full || lanes.waiting >= parkLimit + this.#maxInFlight || (lanes.bytes >= prefetchBytes && lanes.held > 0)) {
      this.#want(session, 0);
      return;
    }
    const room = this.#prefetch.adapt() - lanes.ready;
    if (room > 0) this.#want(session, room);
  }

  #want(session: Session<unknown> | undefined, count: number): void {
    this.#wanted = count;
    session?.want(count);
  }

  #giveBackHeld(): void {
    const held = this.#lanes.remove();
    if (held.length > 0) this.#session?.giveBack(held);
  }

  #loseOne(message: Received): void {
    if (!message.lose(new MillraceError(`the delivery of message ${message.id} was lost: the broker may give it to another`, { code: "DELIVERY_LOST" })))
      return;
    this.#inFlight.remove(message);
    this.#lanes.release(message);
    this.#move();
  }

  #intake(onFail: (error: unknown) => void): { intake: Intake<unknown>; kill: () => void } {
    let live = true;
    const intake: Intake<unknown> = {
      deliver: (message) => {
        if (!live) return;
        message.adopt(this, ++this.#sequence);
        this.#wanted--;
        this.#lanes.add(message);
        this.#reading.feed();
      },
      lose: (which = () => true) => {
        this.#settlements.forget(which);
        this.#lanes.remove(which);
        for (const message of this.#inFlight) if (which(message)) this.#loseOne(message);
      },
      fail: (error) => {
        if (live) onFail(error);
      },
      blocked: (detail) => {
        if (!live) return;
        this.#status.block("source", detail);
        this.#updateState();
      },
      undecodable: async (record) => await this.#undecodable(record),
    };
    return {
      intake,
      kill: () => {
        live = false;
      },
    };
  }

  async #undecodable({ payload, position, error }: UndecodableRecord): Promise<void> {
    const { logger, adapter } = this.#settings;
    this.#status.undecodable(position);
    const deadLetter = this.#options["millrace.rawDeadLetter"];
    logger.error({ topic: this.topic, adapter, position, error, deadLetter: deadLetter !== undefined }, "a record could not be decoded, it is stepped over");
    await deadLetter?.(payload, position, error);
  }

  // ── life ──

  #onUp(session: Session<unknown>): void {
    this.#session = session;
    this.#wanted = 0;
    this.#prefetch.restart();
    this.#updateState();
    this.#settlements.send();
    this.#move();
  }

  #updateState(): void {
    if (this.#closing) return;
    this.#status.set(this.#session === undefined ? "reconnecting" : this.#paused ? "paused" : "running");
  }

  #fail(error: unknown): void {
    this.#status.error(error);
    this.#closing = true;
    this.#end();
    this.#reading.fail(error);
    for (const message of this.#inFlight) this.#loseOne(message);
    this.#closed.reject(error);
    this.#onClosed?.();
  }

  async #drain(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#closing) return; // failed for good
    // Without a wait for handlers there is still one for the broker: what was settled must not come again.
    const deadline = monotonicMs() + (timeoutMs === 0 ? FLUSH_MS : timeoutMs);
    this.#closing = true;
    this.#want(this.#session, 0);
    this.#reading.end();
    this.#giveBackHeld();
    if (this.#inFlight.size > 0 && timeoutMs > 0) {
      this.#calm ??= quietDeferred();
      await within(this.#calm.promise, timeoutMs, signal);
    }
    this.#giveUp();
    let failure: unknown;
    try {
      await this.#flushUntil(deadline, signal);
    } catch (error) {
      failure = error;
      this.#settings.logger.error({ topic: this.topic, error }, "closed with verdicts that are not durable");
    }
    await this.#supervisor.stop();
    this.#session = undefined;
    this.#end();
    this.#closed.resolve();
    this.#onClosed?.();
    if (failure !== undefined) throw failure;
  }

  /** The deadline is over: what is still in flight is aborted and given back, uncounted. */
  #giveUp(): void {
    const late = [...this.#inFlight];
    if (late.length === 0) return;
    this.#settings.logger.warn({ topic: this.topic, count: late.length, id: late[0]?.id }, "the drain's deadline is over, unsettled messages are given back");
    for (const message of late) {
      if (message.lose(new MillraceError(`the subscription closed before message ${message.id} was settled`, { code: "DRAIN_DEADLINE" }))) {
        this.#inFlight.remove(message);
        this.#session?.giveBack([message.again(message.attempt)]);
      }
    }
  }

  async #flushUntil(deadline: number, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      try {
        if ((await within(this.#settlements.flush(), deadline - monotonicMs(), signal)) !== LATE) return;
        throw new MillraceError("the broker did not confirm the last verdicts in time", { code: "SETTLE_TIMEOUT", retryable: true });
      } catch (error) {
        if (monotonicMs() + FLUSH_RETRY_MS >= deadline || signal?.aborted) throw error;
        await sleep(FLUSH_RETRY_MS);
      }
    }
  }

  #end(): void {
    this.#status.set("stopped");
    this.#settlements.stop();
    this.#stopWatch();
    this.#offSignal();
    this.#calm?.resolve();
  }
}

function parkedText(lanes: Lanes): string {
  const key = lanes.failedKey === undefined ? "" : `, key ${JSON.stringify(lanes.failedKey)}`;
  return `${lanes.parked} messages failed or wait behind a failed one${key}`;
}
