import { guarded } from "../logger/guarded-logger.ts";
import type { Logger } from "../logger/index.ts";
import { rest } from "../message/in-hand.ts";
import { attempt, type Handler, isPromise, type MaybePromise, type Middleware, type Produced, type ReceivedMessage } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import { type DeduplicationKey, keyFromId } from "./deduplication-key.ts";
import { type DeduplicationRepository, MemoryDeduplicationRepository } from "./deduplication-repository.ts";
import { deliveryOf } from "./delivery-of.ts";
import { Run } from "./run.ts";
import { untilAborted } from "./until-aborted.ts";

export interface DeduplicatorOptions {
  /** Default: `keyFromId`. */
  readonly key?: DeduplicationKey | undefined;
  /** Default: a `MemoryDeduplicationRepository` of this instance, with a window of a minute. */
  readonly repository?: DeduplicationRepository | undefined;
  /** Told when a key could not be recorded after its message was acked. Default: one line on standard error. */
  readonly logger?: Logger | undefined;
}

/**
 * Handles each message once within a window of time: a duplicate is acked and produces nothing.
 *
 * A key is recorded when its message is acked after its handler has returned: then the results are confirmed, and whatever stands further out,
 * such as a transaction, has succeeded too. A message that failed, was lost, or was nacked by its handler (though it returned) is recorded
 * nowhere, and is handled again when it comes again; a message is never taken for its own duplicate. A duplicate that comes while the first is
 * not settled waits for it, which no `timeout` further out counts, and takes over should it fail. So without a router settle a message before you hand in the
 * next of its key. A message without a key (see `DeduplicationKey`) has no duplicates.
 *
 * Keys belong to a handler: one instance may serve a whole router. Duplicates still get through when a process dies between the ack and the
 * record; nothing is lost then. An error of `key`, or of the repository when it is asked, fails the message; one of recording is logged.
 *
 * ```ts
 * import { deduplicator, keyFromMetadata } from "millrace/middleware";
 * router.addMiddleware(deduplicator({ key: keyFromMetadata("order_id") }));
 * ```
 */
export function deduplicator(options: DeduplicatorOptions = {}): Middleware {
  const check = new OptionCheck("deduplicator").known(options, { key: true, repository: true, logger: true });
  const { key = keyFromId, repository = new MemoryDeduplicationRepository(), logger } = options;
  check.call("key", key).methods("repository", repository, ["has", "record"]).methods("logger", logger, ["warn"]).done();
  const work = new Deduplication(repository, logger);
  let composed = 0;

  return (next) => {
    const unnamed = `unnamed ${++composed}`;
    const keyed = (own: string | undefined, message: ReceivedMessage): MaybePromise<Produced> => {
      if (own === undefined || own === null || own === "") return next(message);
      // Encoded, so that no handler's name and key together look like those of another.
      return work.handle(`${encodeURIComponent(message.delivery.handler ?? unnamed)}/${own}`, message, next);
    };
    return (message) => {
      const own = key(message);
      return isPromise(own) ? own.then((text) => keyed(text, message)) : keyed(own, message);
    };
  };
}

class Deduplication {
  readonly #repository: DeduplicationRepository;
  readonly #logger: Logger | undefined;
  /** The newest call for each key, until it is known whether it counts, and recorded if so. */
  readonly #runs = new Map<string, Run>();
  /** Keys of deliveries that were recorded while still in hand, because they were acked early: they are not their own duplicates. */
  readonly #own = new WeakMap<object, string>();

  constructor(repository: DeduplicationRepository, logger: Logger | undefined) {
    this.#repository = repository;
    this.#logger = logger;
  }

  handle(key: string, message: ReceivedMessage, next: Handler): MaybePromise<Produced> {
    const run = this.#runs.get(key);
    // Another call for the same delivery is no duplicate: whoever calls again, a retry for one, wants it made again.
    if (run === undefined || run.delivery === deliveryOf(message)) return this.#begin(key, message, next);
    const { outcome } = run;
    if (outcome === true) return undefined;
    if (outcome === false) return this.#begin(key, message, next);
    return rest(message, (signal) => untilAborted(run.ended, signal)).then(() => this.handle(key, message, next));
  }

  /** The run is entered before the repository is asked: nobody else gets between. */
  #begin(key: string, message: ReceivedMessage, next: Handler): MaybePromise<Produced> {
    const before = this.#runs.get(key);
    const run = new Run(message, (succeeded) => this.#onOver(key, run, succeeded));
    this.#runs.set(key, run);
    before?.over(false);
    const fail = (error: unknown): never => {
      run.over(false);
      throw error;
    };
    const handle = (): MaybePromise<Produced> =>
      attempt(
        () => next(message),
        (produced) => {
          run.returned();
          return produced;
        },
        fail,
      );
    const drop = (): void => {
      this.#runs.delete(key);
      run.over(true);
    };
    if (this.#own.get(run.delivery) === key) return handle();

    let known: MaybePromise<boolean>;
    try {
      known = this.#repository.has(key);
    } catch (error) {
      return fail(error);
    }
    if (isPromise(known)) return known.then((seen) => (seen ? drop() : handle()), fail);
    return known ? drop() : handle();
  }

  #onOver(key: string, run: Run, succeeded: boolean): void {
    if (this.#runs.get(key) !== run) return; // another call has taken its place, or it was known before
    if (!succeeded) {
      this.#runs.delete(key);
      return;
    }
    if (run.inHand) this.#own.set(run.delivery, key);
    void this.#record(key, run);
  }

  async #record(key: string, run: Run): Promise<void> {
    try {
      await this.#repository.record(key);
    } catch (error) {
      const { id, delivery } = run.message;
      const logger = guarded(this.#logger);
      logger.warn({ err: error, messageId: id, topic: delivery.topic }, "handled, but not recorded: a duplicate would be handled again");
    } finally {
      if (this.#runs.get(key) === run) this.#runs.delete(key);
    }
  }
}
