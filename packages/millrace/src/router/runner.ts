import { equalBackoffMs } from "../adapter/index.ts";
import { MillraceError } from "../errors/index.ts";
import { coarseMs, nextTurn, sliceSpent } from "../internal/slice.ts";
import { sleep, startTimer, wallMs } from "../internal/timers.ts";
import { within } from "../internal/within.ts";
import type { Logger } from "../logger/index.ts";
import type { MessageDoors, SubscribeDoors, SubscriptionDoors, Taker } from "../message/doors.ts";
import type { DrainOptions, ReceivedMessage, SubscribeOptions, Subscriber, Subscription } from "../message/index.ts";
import type { Failures } from "./failures.ts";
import type { HandlerSpec } from "./handler-spec.ts";
import type { HandlerHealth } from "./health.ts";
import type { LostRuns } from "./lost-runs.ts";
import type { Processor } from "./processor.ts";

const RESUBSCRIBE_MIN_MS = 100;
const RESUBSCRIBE_MAX_MS = 5000;
/** Default of `abandonAfterMs`. */
export const ABANDON_MS = 30_000;

/** A loop that reads the subscription. */
interface Reader {
  current: ReceivedMessage | undefined;
  /** Its call was abandoned and another reader took its place. */
  replaced: boolean;
  /** It reads no more. */
  leave(): void;
}

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

/** One handler at work: its subscription, taken up again when it breaks, and the loops that read it. */
export class Runner implements Taker {
  readonly handler: string;
  readonly publishTopic: string | undefined;
  readonly #parts: RunnerParts;
  readonly #readers: Set<Reader> = new Set();
  readonly #stop: AbortController = new AbortController();
  #subscription: Subscription | undefined;
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
      const running = [...this.#readers].some(({ current }) => current !== undefined);
      await within(this.#life, running ? 0 : (options.timeoutMs ?? ABANDON_MS));
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
    const reader = [...this.#readers].find(({ current }) => current === message);
    if (reader === undefined && processor.detached !== true) return;
    logger.warn({ ...this.#fields(message), reason }, "the delivery was lost while the handler ran");
    if (this.#stop.signal.aborted) return;
    lostRuns.begin(message.id);
    startTimer(
      () => {
        if (reader === undefined ? !lostRuns.has(message.id) : reader.current !== message) return;
        logger.error({ ...this.#fields(message) }, "the handler did not end after its delivery was lost, its call is abandoned");
        lostRuns.end(message.id, false);
        if (reader === undefined) return;
        reader.replaced = true;
        this.#readers.delete(reader);
        if (!this.#stop.signal.aborted) this.#spare?.();
        reader.leave();
      },
      spec.options.abandonAfterMs ?? ABANDON_MS,
      true,
    );
  }

  /** Starts another reader on the running iteration. */
  #spare: (() => void) | undefined;

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
      const failure = await this.#read(subscription);
      if (this.#stop.signal.aborted) return;
      if (failure === undefined && (subscription as SubscriptionDoors)["millrace.finished"]) {
        this.#parts.logger.info(this.#fields(undefined), "the input has been read to its end, the handler stops");
        return this.#parts.onGone(true);
      }
      this.#parts.failures.forgetAll();
      const error = failure ?? new MillraceError("the subscription ended although nobody closed it", { code: "SUBSCRIPTION_ENDED", retryable: true });
      this.#broken = { since: new Date(wallMs()), error: error instanceof Error ? error : new Error(String(error)) };
      this.#parts.logger.error({ ...this.#fields(undefined), error }, "the subscription broke, it is taken up again");
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

  /** Reads until the iteration ends; answers with what broke it, if something did. */
  async #read(subscription: Subscription): Promise<unknown> {
    const iterator = subscription[Symbol.asyncIterator]();
    let failure: unknown;
    let running = 0;
    const line = { waiting: 0 };
    await new Promise<void>((resolve) => {
      const leave = (): void => {
        running--;
        if (running === 0) resolve();
      };
      const launch = (): void => {
        running++;
        const reader: Reader = { current: undefined, replaced: false, leave };
        this.#readers.add(reader);
        this.#loop(reader, iterator, subscription as Subscription & SubscriptionDoors, line)
          .catch((error: unknown) => {
            failure ??= error;
          })
          .finally(() => {
            this.#readers.delete(reader);
            if (!reader.replaced) leave();
          });
      };
      this.#spare = launch;
      for (let count = this.#parts.processor.readers; count > 0; count--) launch();
    });
    return failure;
  }

  async #loop(reader: Reader, iterator: AsyncIterator<ReceivedMessage>, subscription: SubscriptionDoors, line: { waiting: number }): Promise<void> {
    const { processor } = this.#parts;
    for (;;) {
      // Not past readers that stand in line: what they were given earlier is handled before what could be taken now.
      let message = line.waiting === 0 ? subscription["millrace.take"]?.() : undefined;
      if (message === undefined) {
        line.waiting++;
        const step = await iterator.next();
        line.waiting--;
        if (step.done) return;
        message = step.value;
      }
      this.#lastMessageAt = coarseMs();
      this.#handled++;
      (message as MessageDoors)["millrace.takenBy"]?.(this);
      const pending = this.#parts.lostRuns.size > 0 ? this.#afterLostRun(message) : processor.handle(message);
      if (pending !== undefined && processor.detached !== true) {
        reader.current = message;
        await pending;
        reader.current = undefined;
        if (reader.replaced) return;
      }
      if (sliceSpent()) await nextTurn();
    }
  }

  async #afterLostRun(message: ReceivedMessage): Promise<void> {
    if (await this.#parts.lostRuns.outcome(message.id)) {
      message.ack();
      (message as MessageDoors)["millrace.ended"]?.();
    } else await this.#parts.processor.handle(message);
  }

  #fields(message: ReceivedMessage | undefined): Record<string, unknown> {
    const { spec } = this.#parts;
    return { handler: spec.name, group: spec.group, topic: spec.topic, ...(message === undefined ? {} : { id: message.id }) };
  }
}
