import { consoleLogger, type Logger } from "../logger/index.ts";
import type { DrainOptions, ReceivedMessage } from "../message/index.ts";
import type { Addressed } from "../relay/addressed.ts";
import { Relay } from "../relay/relay.ts";
import type { Health } from "../router/index.ts";
import { openEnvelope } from "./envelope.ts";
import { checkForwarder, FORWARDER_DEFAULTS, type ForwarderOptions } from "./forwarder-options.ts";

/**
 * Reads envelopes from one topic and publishes what is in them to the topics they name: the second half of an outbox, whose first
 * half is `ForwardingPublisher`. It relays from any subscriber to any publisher.
 *
 * - At least once, in the order of the outbox (per key with `concurrency` above 1). What is there is published in one call for each
 *   run of one topic; an envelope is acked when the publisher has confirmed its message.
 * - A message that the target refuses fails alone: those before it go their way, those behind it, or behind it in their key, wait, uncounted.
 *   It is tried again for ever, unless `failure.attempts` and `deadLetter` are given.
 * - While the target is down, everything waits and nothing is given up, whatever `failure.attempts` says.
 * - Health shows the last error from the first failure on. It says `failing` at once where trying again cannot help, else when a message has
 *   not got through for 5 s, or at the tenth attempt (`failure.attempts`).
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
  readonly #relay: Relay;
  readonly #logger: Logger;
  readonly #skips: boolean;

  constructor(options: ForwarderOptions) {
    checkForwarder(options);
    const { name = FORWARDER_DEFAULTS.name, deadLetter, drainTimeoutMs, failure, logger } = options;
    const onUndecodable = options.onUndecodable ?? (deadLetter === undefined ? "keep" : "dead-letter");
    this.name = name;
    this.#logger = logger ?? consoleLogger({ level: "warn" });
    this.#skips = onUndecodable === "skip";
    this.#relay = new Relay({ drainTimeoutMs, logger: this.#logger });
    this.#relay.add({
      name,
      subscriber: options.subscriber,
      topic: options.topic ?? FORWARDER_DEFAULTS.topic,
      group: options.group,
      from: options.from,
      concurrency: options.concurrency,
      orderBy: options.orderBy,
      batch: options.batch ?? FORWARDER_DEFAULTS.batch,
      maxWaitMs: options.maxWaitMs ?? FORWARDER_DEFAULTS.maxWaitMs,
      middleware: options.middleware,
      failure: { ...failure, deadLetter },
      publisher: options.publisher,
      open: (message) => this.#open(message),
    });
  }

  /** Resolves when it is subscribed. */
  start(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return this.#relay.start(options);
  }

  /** `start()`, then resolves when it has closed. */
  run(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return this.#relay.run(options);
  }

  get started(): Promise<void> {
    return this.#relay.started;
  }

  /** Resolves when the outbox is empty, as far as the subscriber can tell, and nothing is under way. Rejects with `NOT_IDLE` after `timeoutMs`. */
  idle(options?: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined }): Promise<void> {
    return this.#relay.idle(options);
  }

  /** As the router's. `failing`: something does not get through; `lastError` says why, and `detail` which message it is. */
  health(): Health {
    return this.#relay.health();
  }

  /** Waits for batches under way; gives back what is not published. Publisher and subscriber stay open. Idempotent. */
  close(options?: DrainOptions): Promise<void> {
    return this.#relay.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay[Symbol.asyncDispose]();
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
