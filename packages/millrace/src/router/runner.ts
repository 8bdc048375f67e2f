import { equalBackoffMs } from "../adapter/index.ts";
import { MillraceError } from "../errors/index.ts";
import { coarseMs } from "../internal/slice.ts";
import { sleep, startTimer, wallMs } from "../internal/timers.ts";
import { within } from "../internal/within.ts";
import type { Logger } from "../logger/index.ts";
import { handlingEnded, type MessageDoors, type SubscribeDoors, type SubscriptionDoors, type Taker } from "../message/doors.ts";
import type { DrainOptions, ReceivedMessage, SubscribeOptions, Subscriber, Subscription } from "../message/index.ts";
import { Dispatcher, type End } from "./dispatcher.ts";
import type { Failures } from "./failures.ts";
import type { HandlerSpec } from "./handler-spec.ts";
import type { HandlerHealth } from "./health.ts";
import type { LostRuns } from "./lost-runs.ts";
import type { Processor } from "./processor.ts";

const RESUBSCRIBE_MIN_MS = 100;
const RESUBSCRIBE_MAX_MS = 5000;
/** Default of `abandonAfterMs`. */
export const ABANDON_MS = 30_000;

export interface RunnerParts {
  readonly spec: HandlerSpec;
  /** The subscriber with its decorators. */
  readonly subscriber: Subscriber;
  readonly processor: Processor;
  readonly failures: Failures;
  readonly lostRuns: LostRuns;
  readonly logger: Logger;
  /** The subscription has ended although nobody stopped the handler: all was read (`finished`), or it cannot be had again. */
  readonly onGone: (finished: boolean) => void;
}

/** One handler at work: its subscription, taken up again when it breaks, and what each message goes through. */
export class Runner implements Taker {
  readonly handler: string;
  readonly publishTopic: string | undefined;
  readonly #parts: RunnerParts;
  readonly #stop: AbortController = new AbortController();
  #subscription: Subscription | undefined;
  #dispatcher: Dispatcher | undefined;
  #broken: { readonly since: Date; readonly error: Error } | undefined;
  #paused = false;
  #life: Promise<void> = Promise.resolve();
  #handled = 0;
  #lastMessageAt = 0;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.handler = parts.spec.name;
    this.publishTopic = parts.spec.publishTopic;
  }

  /** Messages taken in hand so far. */
  get handled(): number {
    return this.#handled;
  }

  async start(): Promise<void> {
    const subscription = await this.#subscribe();
    if (this.#stop.signal.aborted) await subscription.close();
    else this.#life = this.#live(subscription);
  }

  pause(): void {
    this.#paused = true;
    this.#subscription?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#subscription?.resume();
  }

  async stop(options: DrainOptions): Promise<void> {
    this.#stop.abort();
    this.#parts.processor.end();
    try {
      await this.#subscription?.drain(options);
    } finally {
      // Whoever still runs outlived the drain's deadline and its delivery: nothing of it counts any more.
      await within(this.#life, this.#dispatcher?.busy ? 0 : (options.timeoutMs ?? ABANDON_MS));
    }
  }

  health(): HandlerHealth {
    const { failures } = this.#parts;
    const status = this.#subscription?.status() ?? { state: "starting" as const, since: new Date(), inFlight: 0, held: 0 };
    const broken = this.#broken;
    const state = broken !== undefined ? "reconnecting" : status.state === "running" && failures.hopeless ? "failing" : status.state;
    return {
      ...status,
      ...(broken === undefined ? {} : { since: broken.since, lastError: broken.error }),
      state: this.#stop.signal.aborted ? "stopped" : state,
      attempts: failures.attempts,
      lastMessageAt: this.#lastMessageAt === 0 ? undefined : new Date(this.#lastMessageAt),
    };
  }

  async quiet(): Promise<void> {
    const subscription = this.#subscription as (Subscription & SubscriptionDoors) | undefined;
    if (subscription === undefined || this.#stop.signal.aborted) return;
    if (subscription["millrace.quiet"] !== undefined && this.#broken === undefined) return await subscription["millrace.quiet"]();
    for (;;) {
      const { inFlight, held, state } = subscription.status();
      if ((inFlight === 0 && held === 0 && this.#broken === undefined) || state === "stopped") return;
      await sleep(5);
    }
  }

  /** The delivery of a message was lost while its call runs: the call keeps its slot for a while, then it is abandoned. */
  onLost(message: ReceivedMessage, reason: unknown): void {
    const { spec, logger, lostRuns, failures, processor } = this.#parts;
    failures.onLost(message);
    const dispatcher = this.#dispatcher;
    const hasSlot = dispatcher?.has(message) === true;
    if (!hasSlot && processor.detached !== true) return;
    logger.warn({ ...this.#fields(message), reason }, "the delivery was lost while the handler ran");
    if (this.#stop.signal.aborted) return;
    lostRuns.begin(message.id);
    startTimer(
      () => {
        if (hasSlot ? !dispatcher?.has(message) : !lostRuns.has(message.id)) return;
        logger.error({ ...this.#fields(message) }, "the handler did not end after its delivery was lost, its call is abandoned");
        lostRuns.end(message.id, false);
        dispatcher?.abandon(message);
      },
      spec.options.abandonAfterMs ?? ABANDON_MS,
      true,
    );
  }

  async #subscribe(): Promise<Subscription> {
    const { spec, subscriber, processor, failures } = this.#parts;
    const options: SubscribeOptions & SubscribeDoors = {
      ...processor.demands,
      group: spec.group,
      from: spec.options.from,
      "millrace.rawDeadLetter": failures.rawDeadLetter(),
    };
    const subscription = await subscriber.subscribe(spec.topic, options);
    this.#subscription = subscription;
    if (this.#paused) subscription.pause();
    return subscription;
  }

  async #live(first: Subscription): Promise<void> {
    for (let subscription: Subscription | undefined = first; subscription !== undefined; ) {
      this.#dispatcher = new Dispatcher(subscription, this.#parts.processor.slots, (message, end) => this.#handle(message, end));
      const failure = await this.#dispatcher.run();
      if (this.#stop.signal.aborted) return;
      if (failure === undefined && (subscription as SubscriptionDoors)["millrace.finished"]) {
        this.#parts.logger.info(this.#fields(undefined), "the input has been read to its end, the handler stops");
        return this.#parts.onGone(true);
      }
      this.#parts.failures.forgetAll();
      const error = failure ?? new MillraceError("the subscription ended although nobody closed it", { code: "SUBSCRIPTION_ENDED", retryable: true });
      this.#broken = { since: new Date(wallMs()), error: error instanceof Error ? error : new Error(String(error)) };
      this.#parts.logger.error({ ...this.#fields(undefined), error }, "the subscription broke, it is taken up again");
      subscription[Symbol.asyncDispose]().then(undefined, () => {}); // should it not have ended: what it holds is to come again
      subscription = await this.#resubscribe();
      if (subscription !== undefined) this.#broken = undefined;
    }
    if (!this.#stop.signal.aborted) this.#parts.onGone(false);
  }

  async #resubscribe(): Promise<Subscription | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        await sleep(equalBackoffMs(attempt, RESUBSCRIBE_MIN_MS, RESUBSCRIBE_MAX_MS), this.#stop.signal);
        const subscription = await this.#subscribe();
        if (this.#stop.signal.aborted) await subscription.close();
        this.#parts.logger.info({ ...this.#fields(undefined), attempt }, "the subscription is back");
        return subscription;
      } catch (error) {
        if (this.#stop.signal.aborted) return undefined;
        if (MillraceError.is(error) && error.code === "CLOSED") {
          this.#parts.logger.error({ ...this.#fields(undefined), error }, "the subscriber is closed, the handler stops");
          return undefined;
        }
        this.#parts.logger.error({ ...this.#fields(undefined), attempt, error }, "subscribing again failed, trying on");
      }
    }
  }

  #handle(message: ReceivedMessage, end: End): boolean {
    const { processor, lostRuns } = this.#parts;
    this.#lastMessageAt = coarseMs();
    this.#handled++;
    (message as MessageDoors)["millrace.takenBy"]?.(this);
    if (lostRuns.size === 0) return processor.handle(message, end);
    const done = processor.detached === true ? (): void => {} : end;
    this.#afterLostRun(message, done).catch(done);
    return done !== end;
  }

  async #afterLostRun(message: ReceivedMessage, end: End): Promise<void> {
    if (await this.#parts.lostRuns.outcome(message.id)) {
      message.ack();
      handlingEnded(message);
      end();
    } else if (this.#parts.processor.handle(message, end)) end();
  }

  #fields(message: ReceivedMessage | undefined): Record<string, unknown> {
    const { spec } = this.#parts;
    return { handler: spec.name, group: spec.group, topic: spec.topic, ...(message === undefined ? {} : { id: message.id }) };
  }
}
