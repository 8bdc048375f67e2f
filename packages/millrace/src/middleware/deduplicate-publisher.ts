import { isPermanent, PublishError, type PublishOutcome } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { guarded } from "../logger/guarded-logger.ts";
import type { Logger } from "../logger/index.ts";
import { checkPublish } from "../message/check-publish.ts";
import type { Capabilities, Message, Publisher, PublishOptions } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import { type DeduplicationKey, keyFromId } from "./deduplication-key.ts";
import { type DeduplicationRepository, MemoryDeduplicationRepository } from "./deduplication-repository.ts";
import { errorText } from "./failed-too.ts";
import { untilAborted } from "./until-aborted.ts";

export interface DeduplicatePublisherOptions {
  /** Default: `keyFromId`. */
  readonly key?: DeduplicationKey | undefined;
  /** Default: a `MemoryDeduplicationRepository` of this instance, with a window of a minute. */
  readonly repository?: DeduplicationRepository | undefined;
  /** Told when a key could not be recorded after its message was confirmed. Default: one line on standard error. */
  readonly logger?: Logger | undefined;
}

/**
 * A publisher decorator that sends each message once per topic within a window of time.
 *
 * A duplicate is left out, also within one call, and counts as confirmed. A message without a key (see `DeduplicationKey`) has no duplicates and
 * is always sent. A key is recorded only when the broker has confirmed its message, so a failed publish can be repeated; when recording fails,
 * that is logged, as the message is out. A call that meets a key under way in another call waits for that one.
 *
 * When a publish fails, `PublishError.outcomes` has the positions of the caller's list, with the publisher's own error as `cause`; any other
 * error passes through. When a key or the repository cannot be asked, nothing is sent: `DEDUPLICATION_FAILED`, all `"rejected"`; likewise
 * `PUBLISH_ABORTED` when the caller's signal aborts while it waits.
 *
 * ```ts
 * import { deduplicatePublisher } from "millrace/middleware";
 * router.addPublisherDecorators(deduplicatePublisher());
 * ```
 */
export function deduplicatePublisher(options: DeduplicatePublisherOptions = {}): (publisher: Publisher) => Publisher {
  const check = new OptionCheck("deduplicatePublisher").known(options, { key: true, repository: true, logger: true });
  const { key = keyFromId, repository = new MemoryDeduplicationRepository(), logger } = options;
  check.call("key", key).methods("repository", repository, ["has", "record"]).methods("logger", logger, ["warn"]).done();
  return (publisher) => {
    new OptionCheck("deduplicatePublisher")
      .required("publisher", publisher)
      .methods("publisher", publisher ?? undefined, ["publish", "close"])
      .done();
    return new DeduplicatingPublisher(publisher, key, repository, logger);
  };
}

/** The messages of one call, and by what they are told apart; `undefined` for those without a key. */
interface Call {
  readonly topic: string;
  readonly list: readonly Message[];
  readonly keys: readonly (string | undefined)[];
  readonly options: PublishOptions | undefined;
}

class DeduplicatingPublisher implements Publisher {
  readonly #inner: Publisher;
  readonly #key: DeduplicationKey;
  readonly #repository: DeduplicationRepository;
  readonly #logger: Logger | undefined;
  /** Keys under way; each resolves when its call has ended. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(inner: Publisher, key: DeduplicationKey, repository: DeduplicationRepository, logger: Logger | undefined) {
    this.#inner = inner;
    this.#key = key;
    this.#repository = repository;
    this.#logger = logger;
  }

  get capabilities(): Capabilities | undefined {
    return this.#inner.capabilities;
  }

  async publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    const list: readonly Message[] = Array.isArray(messages) ? messages : [messages as Message];
    checkPublish("deduplicatePublisher", topic, list, options);
    const scope = `${encodeURIComponent(topic)}/`;
    const keys = await this.#asked(list, topic, () => Promise.all(list.map(async (message) => scoped(scope, await this.#key(message)))));
    const distinct = [...new Set(keys)].filter((key) => key !== undefined);
    for (let busy = this.#busy(distinct); busy !== undefined; busy = this.#busy(distinct)) {
      if (options?.signal === undefined) await busy;
      else await untilAborted(busy, options.signal).catch((reason: unknown) => Promise.reject(aborted(list, topic, reason)));
    }
    // Taken in the same turn as the last look, and before the repository is asked: nobody else gets between.
    const done = deferred<void>();
    for (const key of distinct) this.#underWay.set(key, done.promise);
    try {
      const recorded = await this.#asked(list, topic, () => Promise.all(distinct.map((key) => this.#repository.has(key))));
      const known = new Set(distinct.filter((_key, index) => recorded[index]));
      const fresh = keys.flatMap((key, place) => (key === undefined || (!known.has(key) && keys.indexOf(key) === place) ? [place] : []));
      await this.#send({ topic, list, keys, options }, fresh);
    } finally {
      for (const key of distinct) this.#underWay.delete(key);
      done.resolve();
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }

  #busy(keys: readonly string[]): Promise<void> | undefined {
    for (const key of keys) {
      const underWay = this.#underWay.get(key);
      if (underWay !== undefined) return underWay;
    }
    return undefined;
  }

  async #asked<T>(list: readonly Message[], topic: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      const text = `nothing was published to ${JSON.stringify(topic)}: duplicates cannot be told: ${errorText(cause)}`;
      throw new PublishError(text, { code: "DEDUPLICATION_FAILED", retryable: !isPermanent(cause), cause, outcomes: list.map(() => "rejected") });
    }
  }

  async #send(call: Call, fresh: readonly number[]): Promise<void> {
    if (fresh.length === 0) return;
    const { topic, list, keys, options } = call;
    try {
      await this.#inner.publish(
        topic,
        fresh.map((place) => list[place] as Message),
        options,
      );
    } catch (error) {
      if (!(error instanceof Error) || !("outcomes" in error)) throw error;
      throw await this.#replaced(error as PublishError, call, fresh);
    }
    for (const place of fresh) await this.#record(keys[place], topic);
  }

  /** The same failure with an outcome for each message of the caller's list; what was confirmed is recorded. */
  async #replaced(error: PublishError, { topic, keys }: Call, fresh: readonly number[]): Promise<PublishError> {
    const sent = new Map<number, PublishOutcome>();
    for (const [index, place] of fresh.entries()) {
      const outcome = error.outcomes[index] ?? "unknown";
      sent.set(place, outcome);
      if (outcome === "confirmed") await this.#record(keys[place], topic);
    }
    if (fresh.length === keys.length) return error;
    const outcomes = keys.map((key, place) => sent.get(key === undefined ? place : keys.indexOf(key)) ?? "confirmed");
    return new PublishError(error.message, { code: error.code, retryable: error.retryable, cause: error, outcomes });
  }

  async #record(key: string | undefined, topic: string): Promise<void> {
    if (key === undefined) return;
    try {
      await this.#repository.record(key);
    } catch (error) {
      const logger = guarded(this.#logger);
      logger.warn({ err: error, topic }, "published, but not recorded: a duplicate would be published again");
    }
  }
}

function scoped(scope: string, key: string | undefined): string | undefined {
  return key === undefined || key === null || key === "" ? undefined : scope + key;
}

function aborted(list: readonly Message[], topic: string, cause: unknown): PublishError {
  const text = `nothing was published to ${JSON.stringify(topic)}: the publish was aborted`;
  return new PublishError(text, { code: "PUBLISH_ABORTED", retryable: true, cause, outcomes: list.map(() => "rejected") });
}
