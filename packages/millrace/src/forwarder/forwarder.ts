import { consoleLogger, type Logger } from "../logger/index.ts";
import type { DrainOptions, ReceivedMessage } from "../message/index.ts";
import { FAILURE_DEFAULTS } from "../router/failure-policy.ts";
import { type Health, Router } from "../router/index.ts";
import { type Addressed, openEnvelope } from "./envelope.ts";
import { checkForwarder, FORWARDER_DEFAULTS, type ForwarderOptions, relayOrder } from "./forwarder-options.ts";
import { relay } from "./relay.ts";

/**
 * Reads envelopes from one topic and publishes what is in them to the topics they name: the second half of an outbox, whose first
 * half is `ForwardingPublisher`. It relays from any subscriber to any publisher.
 *
 * - At least once, in the order of the outbox (per key with `concurrency` above 1). What is there is published in one call for each
 *   run of one topic; an envelope is acked when the publisher has confirmed its message.
 * - When a publish fails, what was confirmed is acked; the rest is tried again in order, for ever unless `failure.attempts` and
 *   `deadLetter` are given. From the tenth attempt health says `failing`.
 * - What is no envelope goes to `deadLetter`, is kept (health says `failing` at once), or is skipped: see `onUndecodable`.
 * - Several may run in one process or in many; those of one `group` share the work.
 *
 * Throws `OptionError` `BAD_OPTION`. As Watermill's `components/forwarder`, and compatible with it on the wire.
 *
 * ```ts
 * const forwarder = new Forwarder({ subscriber: outbox, publisher: broker });
 * await forwarder.start();
 * ```
 */
export class Forwarder implements AsyncDisposable {
  readonly name: string;
  readonly #router: Router;
  readonly #logger: Logger;
  readonly #skips: boolean;
  readonly #visibleAfter: number;
  #lastError: Error | undefined;

  constructor(options: ForwarderOptions) {
    checkForwarder(options);
    const { name = FORWARDER_DEFAULTS.name, deadLetter, drainTimeoutMs, failure, logger } = options;
    const onUndecodable = options.onUndecodable ?? (deadLetter === undefined ? "keep" : "dead-letter");
    this.name = name;
    this.#logger = logger ?? consoleLogger({ level: "warn" });
    this.#skips = onUndecodable === "skip";
    this.#visibleAfter = failure?.attempts ?? FAILURE_DEFAULTS.attempts;
    this.#router = new Router({ drainTimeoutMs, logger: this.#logger });
    const orderBy = relayOrder(options.concurrency, options.orderBy);
    this.#router.addBatchHandler({
      name,
      subscribe: { subscriber: options.subscriber, topic: options.topic ?? FORWARDER_DEFAULTS.topic },
      group: options.group,
      from: options.from,
      size: options.batch ?? FORWARDER_DEFAULTS.batch,
      maxWaitMs: options.maxWaitMs ?? FORWARDER_DEFAULTS.maxWaitMs,
      concurrency: options.concurrency,
      orderBy,
      middleware: options.middleware,
      // A broker that is down must not empty the outbox into the dead letter: without a wish there is no last attempt.
      failure: { ...failure, attempts: failure?.attempts ?? Number.MAX_SAFE_INTEGER, deadLetter },
      handle: relay({
        publisher: options.publisher,
        orderBy,
        open: (message) => this.#open(message),
        onError: (error) => {
          this.#lastError = error instanceof Error ? error : new Error(String(error));
        },
      }),
    });
  }

  /** Resolves when it is subscribed. */
  start(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return this.#router.start(options);
  }

  /** `start()`, then resolves when it has closed. */
  run(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return this.#router.run(options);
  }

  get started(): Promise<void> {
    return this.#router.started;
  }

  /** Resolves when the outbox is empty, as far as the subscriber can tell, and nothing is under way. */
  idle(): Promise<void> {
    return this.#router.idle();
  }

  /** As the router's. `failing`: something is tried again and again; `lastError` says why. */
  health(): Health {
    const health = this.#router.health();
    const own = health.handlers[this.name];
    if (own === undefined) return health;
    const stuck = own.attempts >= this.#visibleAfter && own.state === "running";
    const state = stuck ? "failing" : own.state;
    const failing = own.attempts > 0 || state === "failing" ? this.#lastError : undefined;
    return { ...health, handlers: { [this.name]: { ...own, state, lastError: own.lastError ?? failing } } };
  }

  /** Waits for batches under way; gives back what is not published. Publisher and subscriber stay open. Idempotent. */
  close(options?: DrainOptions): Promise<void> {
    return this.#router.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#router[Symbol.asyncDispose]();
  }

  #open(message: ReceivedMessage): Addressed | undefined {
    try {
      return openEnvelope(message);
    } catch (error) {
      if (!this.#skips) throw error;
      const { topic, position } = message.delivery;
      this.#logger.error({ forwarder: this.name, topic, id: message.id, position, error }, "a message is no envelope, it is skipped");
      return undefined;
    }
  }
}
