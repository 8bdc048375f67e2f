import { deferred } from "../internal/deferred.ts";
import { consoleLogger, type Logger } from "../logger/index.ts";
import { attempt, type Delivery, type Handler, isPromise, type MaybePromise, type Middleware, type Produced, type ReceivedMessage } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import { type DeduplicationKey, keyFromId } from "./deduplication-key.ts";
import { type DeduplicationRepository, MemoryDeduplicationRepository } from "./deduplication-repository.ts";
import { untilAborted } from "./until-aborted.ts";

export interface DeduplicatorOptions {
  /** Default: `keyFromId`. */
  readonly key?: DeduplicationKey | undefined;
  /** Default: a `MemoryDeduplicationRepository` of this instance, with a window of a minute. */
  readonly repository?: DeduplicationRepository | undefined;
  /** Told when a key could not be recorded after its message was acked. Default: one line on standard error. */
  readonly logger?: Logger | undefined;
}

/** One run of a handler for a key that has not ended, or whose results wait for the ack. */
interface Run {
  readonly delivery: Delivery;
  /** Resolves when the handler has ended, to whether it succeeded. `undefined` once it has succeeded. */
  ended: Promise<boolean> | undefined;
  produced: Produced;
}

/**
 * Handles each message once within a window of time: a duplicate is acked and produces nothing.
 *
 * A key is recorded only after success: when the handler ends, or, if it produced something, when the message is acked, that is when
 * the results are safely published. A failed message is therefore handled again. A duplicate that comes while the first still runs
 * waits for it, and takes over should it fail. Keys belong to a handler: one instance may serve a whole router. Duplicates still get
 * through when a process dies between the work and the record; nothing is lost then. An error of `key` or of the repository fails
 * the message.
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
    return (message) => {
      // Encoded, so that no handler's name and key together look like those of another.
      const scope = `${encodeURIComponent(message.delivery.handler ?? unnamed)}/`;
      const own = key(message);
      return isPromise(own) ? own.then((text) => work.handle(scope + text, message, next)) : work.handle(scope + own, message, next);
    };
  };
}

class Deduplication {
  readonly #repository: DeduplicationRepository;
  readonly #logger: Logger | undefined;
  readonly #runs = new Map<string, Run>();

  constructor(repository: DeduplicationRepository, logger: Logger | undefined) {
    this.#repository = repository;
    this.#logger = logger;
  }

  handle(key: string, message: ReceivedMessage, next: Handler): MaybePromise<Produced> {
    const run = this.#runs.get(key);
    if (run === undefined) return this.#begin(key, message, next);
    if (run.delivery === message.delivery) {
      // The same delivery again is no duplicate: the instance was added twice, or a timeout gave up on this run and a retry came.
      // While it goes on it is called again; once it has succeeded its results are given again, since the first were perhaps dropped.
      return run.ended === undefined ? run.produced : next(message);
    }
    if (run.ended === undefined) return undefined;
    return untilAborted(run.ended, message.signal).then((succeeded) => (succeeded ? undefined : this.handle(key, message, next)));
  }

  /** The run is entered before the repository is asked: nobody else gets between. */
  #begin(key: string, message: ReceivedMessage, next: Handler): MaybePromise<Produced> {
    const ended = deferred<boolean>();
    const run: Run = { delivery: message.delivery, ended: ended.promise, produced: undefined };
    this.#runs.set(key, run);
    const finish = (succeeded: boolean): void => {
      this.#runs.delete(key);
      ended.resolve(succeeded);
    };
    const failed = (error: unknown): never => {
      finish(false);
      throw error;
    };
    const handle = (): MaybePromise<Produced> =>
      attempt(
        () => next(message),
        (produced) => {
          if (producesNothing(produced))
            return attempt(
              () => this.#repository.record(key),
              () => finish(true),
              failed,
            );
          run.ended = undefined;
          run.produced = produced;
          ended.resolve(true);
          void this.#recordOnceAcked(key, message);
          return produced;
        },
        failed,
      );

    let known: MaybePromise<boolean>;
    try {
      known = this.#repository.has(key);
    } catch (error) {
      return failed(error);
    }
    if (isPromise(known)) return known.then((seen) => (seen ? finish(true) : handle()), failed);
    return known ? finish(true) : handle();
  }

  async #recordOnceAcked(key: string, message: ReceivedMessage): Promise<void> {
    try {
      if ((await message.settled) === "acked") await this.#repository.record(key);
    } catch (error) {
      const logger = this.#logger ?? consoleLogger({ level: "warn" });
      logger.warn({ err: error, messageId: message.id, topic: message.delivery.topic }, "handled, but not recorded: a duplicate would be handled again");
    } finally {
      this.#runs.delete(key);
    }
  }
}

function producesNothing(produced: Produced): boolean {
  return produced === undefined || (Array.isArray(produced) && produced.length === 0);
}
