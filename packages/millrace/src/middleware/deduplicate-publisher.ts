import { PublishError, type PublishOutcome } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import type { Capabilities, Message, Publisher, PublishOptions } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import { type DeduplicationKey, keyFromId } from "./deduplication-key.ts";
import { type DeduplicationRepository, MemoryDeduplicationRepository } from "./deduplication-repository.ts";
import { untilAborted } from "./until-aborted.ts";

export interface DeduplicatePublisherOptions {
  /** Default: `keyFromId`. */
  readonly key?: DeduplicationKey | undefined;
  /** Default: a `MemoryDeduplicationRepository` of this instance, with a window of a minute. */
  readonly repository?: DeduplicationRepository | undefined;
}

/**
 * A publisher decorator that sends each message once per topic within a window of time.
 *
 * A duplicate is left out, also within one call, and counts as confirmed. A key is recorded only when the broker has confirmed its
 * message, so a failed publish can be repeated. A call that meets a key under way in another call waits for that one. When a
 * publish fails, `PublishError.outcomes` has the positions of the caller's list, with the publisher's own error as `cause`; any other
 * error passes through.
 *
 * ```ts
 * import { deduplicatePublisher } from "millrace/middleware";
 * router.addPublisherDecorators(deduplicatePublisher());
 * ```
 */
export function deduplicatePublisher(options: DeduplicatePublisherOptions = {}): (publisher: Publisher) => Publisher {
  const check = new OptionCheck("deduplicatePublisher").known(options, { key: true, repository: true });
  const { key = keyFromId, repository = new MemoryDeduplicationRepository() } = options;
  check.call("key", key).methods("repository", repository, ["has", "record"]).done();
  return (publisher) => {
    new OptionCheck("deduplicatePublisher")
      .required("publisher", publisher)
      .methods("publisher", publisher ?? undefined, ["publish", "close"])
      .done();
    return new DeduplicatingPublisher(publisher, key, repository);
  };
}

class DeduplicatingPublisher implements Publisher {
  readonly #inner: Publisher;
  readonly #key: DeduplicationKey;
  readonly #repository: DeduplicationRepository;
  /** Keys under way; each resolves when its call has ended. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(inner: Publisher, key: DeduplicationKey, repository: DeduplicationRepository) {
    this.#inner = inner;
    this.#key = key;
    this.#repository = repository;
  }

  get capabilities(): Capabilities | undefined {
    return this.#inner.capabilities;
  }

  async publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    const list: readonly Message[] = Array.isArray(messages) ? messages : [messages as Message];
    const scope = `${encodeURIComponent(topic)}/`;
    const keys = await Promise.all(list.map(async (message) => scope + (await this.#key(message))));
    const distinct = [...new Set(keys)];
    for (let busy = this.#busy(distinct); busy !== undefined; busy = this.#busy(distinct)) {
      await (options?.signal === undefined ? busy : untilAborted(busy, options.signal));
    }
    // Taken in the same turn as the last look, and before the repository is asked: nobody else gets between.
    const done = deferred<void>();
    for (const key of distinct) this.#underWay.set(key, done.promise);
    try {
      const recorded = await Promise.all(distinct.map((key) => this.#repository.has(key)));
      const fresh = distinct.filter((_key, index) => recorded[index] === false).map((key) => keys.indexOf(key));
      await this.#send(topic, list, keys, fresh, options);
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

  async #send(topic: string, list: readonly Message[], keys: readonly string[], fresh: readonly number[], options?: PublishOptions): Promise<void> {
    if (fresh.length === 0) return;
    try {
      await this.#inner.publish(
        topic,
        fresh.map((place) => list[place] as Message),
        options,
      );
    } catch (error) {
      if (!(error instanceof Error) || !("outcomes" in error)) throw error;
      throw await this.#replaced(error as PublishError, keys, fresh);
    }
    for (const place of fresh) await this.#repository.record(keys[place] as string);
  }

  /** The same failure with an outcome for each message of the caller's list; what was confirmed is recorded. */
  async #replaced(error: PublishError, keys: readonly string[], fresh: readonly number[]): Promise<PublishError> {
    const sent = new Map<string, PublishOutcome>();
    for (const [index, place] of fresh.entries()) {
      const outcome = error.outcomes[index] ?? "unknown";
      sent.set(keys[place] as string, outcome);
      if (outcome === "confirmed") await this.#repository.record(keys[place] as string);
    }
    if (fresh.length === keys.length) return error;
    const outcomes = keys.map((key) => sent.get(key) ?? "confirmed");
    return new PublishError(error.message, { code: error.code, retryable: error.retryable, cause: error, outcomes });
  }
}
