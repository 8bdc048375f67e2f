import { abortedError, checkPublish } from "../adapter/index.ts";
import { MillraceError, PublishError, type PublishOutcome } from "../errors/index.ts";
import { envelope, Forwarder } from "../forwarder/index.ts";
import { monotonicMs, wallMs } from "../internal/timers.ts";
import { untilAborted } from "../internal/within.ts";
import { guarded } from "../logger/guarded-logger.ts";
import type { Logger } from "../logger/index.ts";
import type { Capabilities, Message, Publisher, PublishOptions, PubSub } from "../message/index.ts";
import type { Health } from "../router/index.ts";
import { type DelayRun, delayRuns } from "./delay-runs.ts";
import { checkDelayingPublisher, DELAYING_DEFAULTS, type DelayingPublisherOptions } from "./delaying-publisher-options.ts";

/** How long after a failed start a publish that needs no store tries again. */
const START_AGAIN_MS = 5_000;
/** Batches relayed at a time: one topic that takes nothing costs the others nothing. */
const CONCURRENCY = 4;

/**
 * A publisher that holds back what another one cannot: messages that are not due wait in a store, and are published when they are. For
 * brokers without delays, such as Kafka, and for delays beyond a broker's limit.
 *
 * - What `publisher` can hold back by itself (`capabilities.maxPublishDelayMs`), and what is due, goes to it at once; only the rest is
 *   parked, in an envelope that names its topic. `publish` resolves when publisher or store has confirmed.
 * - Parked messages are relayed when they are due, at least once, in the order of their times; of one key and one time in the order of
 *   publishing. They survive a crash where the store does.
 * - Relaying begins with `start()` or the first `publish`, and ends with `close()`. Any number of processes may relay from one store,
 *   also such as parked nothing themselves; each message is relayed by one of them. While none runs, messages wait.
 * - What the publisher refuses when it is due is tried again for ever, in a log line each, and `health()` says `failing`; others pass it.
 * - `close()` waits for what is under way, and leaves publisher and store open. After it, `publish` rejects with `CLOSED`.
 *
 * Throws `OptionError` `BAD_OPTION`. `publish` rejects with `PublishError`, with the codes of publisher and store, or `INVALID_DELAY`.
 * As Watermill's `components/delay` with its delayed SQL publisher, for any broker.
 *
 * ```ts
 * const delaying = new DelayingPublisher({ publisher: broker, store: pubsub });
 * await delaying.start();
 * await delaying.publish("reminders", new Message("time to go", { delayMs: 90_000 }));
 * await delaying.close();
 * ```
 */
export class DelayingPublisher implements Publisher {
  readonly #publisher: Publisher;
  readonly #store: PubSub;
  readonly #topic: string;
  readonly #logger: Logger;
  readonly #underWay: Set<Promise<void>> = new Set();
  #forwarder: Forwarder;
  #starting: Promise<void> | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | undefined;

  constructor(options: DelayingPublisherOptions) {
    checkDelayingPublisher(options);
    this.#publisher = options.publisher;
    this.#store = options.store;
    this.#topic = options.topic ?? DELAYING_DEFAULTS.topic;
    this.#logger = guarded(options.logger);
    this.#forwarder = this.#makeForwarder();
  }

  /** Those of the publisher, without its limit for delays; durable where the store is too. */
  get capabilities(): Capabilities | undefined {
    const { capabilities } = this.#publisher;
    if (capabilities === undefined) return undefined;
    const durable = capabilities.durable && this.#store.capabilities?.durable === true;
    return { ...capabilities, durable, maxPublishDelayMs: Number.POSITIVE_INFINITY };
  }

  /** Begins to relay what is parked, also by other processes; resolves when the store is subscribed to. Idempotent; after a failure it can be tried again. */
  start(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    this.#starting ??= this.#start();
    return this.#starting;
  }

  publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message];
    const publishing = this.#publish(topic, list, options);
    this.#underWay.add(publishing);
    const forget = (): void => void this.#underWay.delete(publishing);
    publishing.then(forget, forget);
    return publishing;
  }

  /** Of the relaying, as a router's; its one handler is `delaying-publisher`. `failing`: something that is due does not get through. */
  health(): Health {
    return this.#forwarder.health();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close(() => this.#forwarder.close());
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close(() => this.#forwarder[Symbol.asyncDispose]());
    await this.#closing;
  }

  async #publish(topic: string, messages: readonly Message[], options: PublishOptions | undefined): Promise<void> {
    checkPublish("DelayingPublisher", topic, messages, options);
    if (this.#closing !== undefined) throw new PublishError(closed().message, { code: "CLOSED", outcomes: messages.map(() => "rejected") });
    if (messages.length === 0) return;
    this.#startAside();
    await this.#send(topic, messages, options);
  }

  /** What is relayed takes this way too: the store may give a message back before its time. */
  async #send(topic: string, messages: readonly Message[], options: PublishOptions | undefined): Promise<void> {
    const longestMs = this.#publisher.capabilities?.maxPublishDelayMs ?? 0;
    const { runs, refused } = delayRuns(messages, { longestMs, envelope: (message) => this.#envelope(topic, message) });
    const [only] = runs;
    if (only !== undefined && runs.length === 1 && refused === undefined) return await this.#sendRun(topic, only, options);
    const outcomes: PublishOutcome[] = [];
    let failure: unknown = refused;
    for (const run of runs) {
      try {
        await this.#sendRun(topic, run, options);
        outcomes.push(...run.messages.map((): PublishOutcome => "confirmed"));
      } catch (error) {
        outcomes.push(...outcomesOf(error, run.messages.length));
        failure = error;
        break;
      }
    }
    if (failure === undefined) return;
    while (outcomes.length < messages.length) outcomes.push("rejected");
    throw told(failure, outcomes);
  }

  async #sendRun(topic: string, { parks, messages }: DelayRun, options: PublishOptions | undefined): Promise<void> {
    const given = messages.length === 1 ? (messages[0] as Message) : messages; // one message is no list
    if (!parks) return await this.#publisher.publish(topic, given, options);
    try {
      await untilAborted(this.start(), options?.signal); // so that the group is there: a store may keep nothing for one that is to come
    } catch (error) {
      const outcomes = messages.map((): PublishOutcome => "rejected");
      throw told(options?.signal?.aborted ? abortedError(options.signal) : error, outcomes);
    }
    await this.#store.publish(this.#topic, given, options);
  }

  /** Due when its message is; where that is longer than the store can wait, it is parked once more then. */
  #envelope(topic: string, message: Message): Message {
    const longestMs = this.#store.capabilities?.maxPublishDelayMs ?? 0;
    const due = message.dueAt?.getTime() ?? wallMs();
    return envelope(topic, message).copy({ deliverAt: new Date(Math.min(due, wallMs() + longestMs)) });
  }

  /** Relaying begins also where nothing is to be parked: what others parked is due some time. Its failure is no failure of this call. */
  #startAside(): void {
    if (this.#starting !== undefined || monotonicMs() - this.#failedAt < START_AGAIN_MS) return;
    this.start().catch((error: unknown) => {
      if (this.#closing === undefined)
        this.#logger.warn({ topic: this.#topic, error }, "the store of delayed messages cannot be read, what is due there waits");
    });
  }

  async #start(): Promise<void> {
    try {
      if (this.#store.capabilities?.durable !== true)
        this.#logger.warn({ topic: this.#topic }, "the store of delayed messages is not durable: they go with it");
      await this.#forwarder.start();
    } catch (error) {
      this.#failedAt = monotonicMs();
      await this.#forwarder.close().catch(() => {});
      this.#forwarder = this.#makeForwarder();
      this.#starting = undefined;
      throw error;
    }
  }

  async #close(end: () => Promise<void>): Promise<void> {
    await this.#starting?.catch(() => {});
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    await end();
  }

  #makeForwarder(): Forwarder {
    return new Forwarder({
      subscriber: this.#store,
      publisher: {
        publish: (topic, messages, options) => this.#send(topic, Array.isArray(messages) ? messages : [messages as Message], options),
        close: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
      topic: this.#topic,
      name: DELAYING_DEFAULTS.group,
      concurrency: CONCURRENCY,
      logger: this.#logger,
    });
  }
}

function closed(): MillraceError {
  return new MillraceError("the delaying publisher is closed", { code: "CLOSED" });
}

function outcomesOf(error: unknown, count: number): readonly PublishOutcome[] {
  const { outcomes } = (error ?? {}) as { readonly outcomes?: unknown };
  return Array.isArray(outcomes) && outcomes.length === count ? (outcomes as PublishOutcome[]) : Array.from({ length: count }, () => "unknown");
}

/** A failure of a part, told of the whole call. */
function told(error: unknown, outcomes: readonly PublishOutcome[]): PublishError {
  const { message, code, retryable } = MillraceError.is(error)
    ? error
    : { message: error instanceof Error ? error.message : String(error), code: "PUBLISH_FAILED", retryable: true };
  return new PublishError(message, { code, retryable, cause: error, outcomes });
}
