import { Deadline } from "../internal/deadline.ts";
import { type Deferred, quietDeferred } from "../internal/deferred.ts";
import { sleep } from "../internal/timers.ts";
import { LATE } from "../internal/within.ts";
import type { DrainOptions, ReceivedMessage, SubscribeOptions, Subscription, SubscriptionStatus } from "../message/index.ts";
import { type NextListener, SUBSCRIPTION_DOOR, type SubscriptionCounts, type SubscriptionDoor } from "../message/subscription-door.ts";
import { OptionCheck } from "../options/index.ts";
import { Deliveries } from "./deliveries.ts";
import { flushUntil } from "./flush-until.ts";
import { LiveIntake } from "./live-intake.ts";
import { type AdapterSettings, type KnownSettings, knownSettings } from "./settings.ts";
import type { Session, Source } from "./source.ts";
import { StatusBoard } from "./status-board.ts";
import { Supervisor } from "./supervisor.ts";
import { watchHeld } from "./watch-held.ts";

const DRAIN_MS = 30_000;
const FLUSH_MS = 5_000;
/** However little time the handlers have left, the last verdicts get this long to reach the broker, and the session to close. */
const LEAST_MS = 500;
const LOOK_AGAIN_MS = 5;

export interface AdapterSubscriptionOptions<Receipt> {
  readonly topic: string;
  readonly options: SubscribeOptions;
  readonly settings: AdapterSettings;
  readonly source: Source<Receipt>;
  /** Called once, when it has closed or failed for good. */
  readonly onClosed?: (() => void) | undefined;
}

/** A class, so that the doors of all subscriptions look alike to a router that reads many. */
class Door implements SubscriptionDoor {
  readonly idle: SubscriptionDoor["idle"];
  readonly #deliveries: Deliveries;
  readonly #status: StatusBoard;

  constructor(deliveries: Deliveries, status: StatusBoard, idle: SubscriptionDoor["idle"]) {
    this.#deliveries = deliveries;
    this.#status = status;
    this.idle = idle;
  }

  take(): ReceivedMessage | undefined {
    return this.#deliveries.reading.mayTake ? this.#deliveries.next() : undefined;
  }

  whenNext(listener: NextListener): boolean {
    return this.#deliveries.reading.whenNext(listener);
  }

  get counts(): SubscriptionCounts {
    return this.#status.counts;
  }

  onStatus(listener: () => void): () => void {
    return this.#status.listen(listener);
  }
}

/**
 * The subscription that every adapter hands out. The adapter's `Source` fetches and settles; the rest is here: the way of the
 * messages (`Deliveries`), healing (`Supervisor`), status, draining.
 */
export class AdapterSubscription<Receipt = unknown> implements Subscription {
  readonly topic: string;
  readonly #signal: AbortSignal | undefined;
  readonly #settings: KnownSettings;
  readonly #status: StatusBoard = new StatusBoard();
  readonly #deliveries: Deliveries;
  readonly #supervisor: Supervisor;
  readonly #closed: Deferred<void> = quietDeferred();
  readonly #onClosed: (() => void) | undefined;
  #paused = false;
  #over = false;
  #finished = false;
  #draining: Promise<void> | undefined;
  /** How long a drain waits for handlers, and how long for the broker. */
  readonly #patience: Deadline = new Deadline();
  readonly #last: Deadline = new Deadline();
  #stopWatch: () => void = () => {};
  #offSignal: () => void = () => {};

  constructor(given: AdapterSubscriptionOptions<Receipt>) {
    new OptionCheck("AdapterSubscription").known(given, { topic: true, options: true, settings: true, source: true, onClosed: true }).done();
    const { topic, options, settings, source, onClosed } = given;
    this.topic = topic;
    this.#signal = options.signal;
    this.#settings = knownSettings(settings);
    this.#onClosed = onClosed;
    this.#deliveries = new Deliveries(topic, options, this.#settings, this.#status);
    this.#supervisor = new Supervisor(
      source as Source<unknown>,
      {
        intake: (onFail) => new LiveIntake(this.#deliveries, onFail),
        onUp: (session) => this.#onUp(session),
        onDown: (error) => this.#onDown(error),
        onFatal: (error) => this.#onFatal(error),
      },
      { ...this.#settings, topic },
    );
    const door = new Door(this.#deliveries, this.#status, (signal) => this.#idle(signal));
    Object.defineProperty(this, SUBSCRIPTION_DOOR, { value: door, configurable: true });
  }

  /** Opens the first session. Rejects, with nothing left open, when that fails, and at once when the signal aborts. */
  async start(): Promise<this> {
    const signal = this.#signal;
    signal?.throwIfAborted();
    const giveUp = (): void => void this.#supervisor.stop();
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      await this.#supervisor.start();
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
    this.#stopWatch = watchHeld(this.#deliveries.inFlight, this.#deliveries.lanes, this.#settings.logger, this.topic);
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
    const { inFlight, lanes } = this.#deliveries;
    const session = this.#supervisor.session;
    return this.#status.read(inFlight.size, lanes.held, session?.lag?.(), session?.oldestAt?.());
  }

  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage> {
    return this.#deliveries.reading.open(this.topic);
  }

  get finished(): boolean {
    return this.#finished;
  }

  /** For sources with an end: everything that will ever come was read and settled. Closes, and a router then takes the work as done. */
  finish(): Promise<void> {
    this.#finished = true;
    return this.close();
  }

  pause(): void {
    if (this.#paused || this.#over) return;
    this.#paused = true;
    this.#deliveries.pause();
    this.#updateState();
  }

  resume(): void {
    if (!this.#paused || this.#over) return;
    this.#paused = false;
    this.#updateState();
    this.#deliveries.resume();
  }

  async flush(): Promise<void> {
    try {
      await this.#deliveries.settlements.flush();
    } catch (error) {
      this.#status.error(error);
      throw error;
    }
  }

  /** The shortest time of all who ask is what holds. */
  drain({ timeoutMs = DRAIN_MS, signal }: DrainOptions = {}): Promise<void> {
    this.#patience.within(timeoutMs, signal);
    // Without a wait for handlers there is still one for the broker: what was settled must not come again.
    this.#last.within(timeoutMs === 0 ? FLUSH_MS : Math.max(timeoutMs, LEAST_MS), signal);
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  close(): Promise<void> {
    return this.drain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain({ timeoutMs: 0 });
  }

  async #idle(signal: AbortSignal | undefined): Promise<void> {
    while (!this.#over && !signal?.aborted) {
      if (!this.#deliveries.empty) {
        await this.#deliveries.calm;
        continue;
      }
      if (this.#paused) return;
      const before = this.#deliveries.delivered;
      const { session } = this.#supervisor;
      const caughtUp = session !== undefined && (session.caughtUp === undefined || (await session.caughtUp()));
      if (caughtUp && before === this.#deliveries.delivered) return;
      await sleep(LOOK_AGAIN_MS);
    }
  }

  #onUp(session: Session<unknown>): void {
    this.#updateState(session);
    this.#deliveries.connect(session);
  }

  #onDown(error: unknown): void {
    this.#status.error(error);
    this.#deliveries.connect(undefined);
    this.#updateState();
  }

  #onFatal(error: unknown): void {
    this.#status.error(error);
    if (this.#over) return; // a drain is on its way and ends it
    this.#over = true;
    this.#leave();
    this.#deliveries.reading.fail(error);
    this.#deliveries.lose(() => true);
    this.#deliveries.connect(undefined);
    this.#closed.reject(error);
    this.#onClosed?.();
  }

  #updateState(session: Session<unknown> | undefined = this.#supervisor.session): void {
    if (!this.#over) this.#status.set(session === undefined ? "reconnecting" : this.#paused ? "paused" : "running");
  }

  async #drain(): Promise<void> {
    if (this.#over) return; // failed for good
    this.#over = true;
    const deliveries = this.#deliveries;
    deliveries.end();
    if (deliveries.inFlight.size > 0 && !this.#patience.over) await this.#patience.wait(deliveries.calm);
    deliveries.giveUp();
    let failure: unknown;
    try {
      await this.#givingTime((deadline) => flushUntil(deliveries.settlements, deadline));
    } catch (error) {
      failure = error;
      this.#settings.logger.error({ topic: this.topic, error }, "closed with verdicts that are not durable");
    }
    if ((await this.#givingTime((deadline) => deadline.wait(this.#supervisor.stop()))) === LATE) {
      this.#settings.logger.error({ topic: this.topic, adapter: this.#settings.adapter }, "a session did not close in time, it is left as it is");
    }
    deliveries.connect(undefined);
    this.#leave();
    this.#closed.resolve();
    this.#onClosed?.();
    if (failure !== undefined) throw failure;
  }

  /** What is left of the time, and a little in any case. */
  async #givingTime<T>(run: (deadline: Deadline) => Promise<T>): Promise<T> {
    using least = new Deadline().within(LEAST_MS);
    return await run(this.#last.leftMs < LEAST_MS ? least : this.#last);
  }

  #leave(): void {
    for (const deadline of [this.#patience, this.#last]) deadline[Symbol.dispose]();
    this.#status.set("stopped");
    this.#deliveries.settlements.stop();
    this.#stopWatch();
    this.#offSignal();
  }
}
