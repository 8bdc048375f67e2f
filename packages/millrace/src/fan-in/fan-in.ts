import type { DrainOptions, Message, ReceivedMessage } from "../message/index.ts";
import { Relay } from "../relay/relay.ts";
import type { Health } from "../router/index.ts";
import { checkFanIn, FAN_IN_DEFAULTS, type FanInOptions } from "./fan-in-options.ts";

/**
 * Merges several topics into one: what is published to any of the sources is published to the target, unchanged.
 *
 * - At least once: a message is acked when the target's publisher has confirmed it. Id, key, payload and metadata stay as they are.
 * - Each source keeps its own order (per key with `concurrency` above 1); between sources there is none. What is there is
 *   published in one call.
 * - Each source is a handler of its own, `fan_in_<topic>`: one that breaks does not stop the others, and health shows it.
 * - A message that the target refuses fails alone: those before it go their way, those behind it, or behind it in their key, wait, uncounted.
 *   It is tried again for ever, unless `failure` gives `attempts` and a `deadLetter`.
 * - While the target is down, everything waits and nothing is given up, whatever `failure.attempts` says.
 * - Health shows the last error from the first failure on. It says `failing` at once where trying again cannot help, else when a message has
 *   not got through for 5 s, or at the tenth attempt (`failure.attempts`).
 *
 * Throws `OptionError` `BAD_OPTION`. As Watermill's `components/fanin`.
 *
 * ```ts
 * const fanIn = new FanIn({ subscriber: broker, publisher: broker, sources: ["orders.eu", "orders.us"], target: "orders" });
 * await fanIn.start();
 * ```
 */
export class FanIn implements AsyncDisposable {
  readonly #relay: Relay;

  constructor(options: FanInOptions) {
    checkFanIn(options);
    const { subscriber, publisher, sources, target, sourceKey, group, from, concurrency, orderBy, middleware, failure } = options;
    this.#relay = new Relay({ drainTimeoutMs: options.drainTimeoutMs, logger: options.logger });
    for (const source of sources) {
      this.#relay.add({
        name: `fan_in_${source}`,
        subscriber,
        topic: source,
        group,
        from,
        concurrency,
        orderBy,
        batch: options.batch ?? FAN_IN_DEFAULTS.batch,
        maxWaitMs: 0,
        middleware,
        failure,
        publisher,
        open: (received) => ({ topic: target, message: sourceKey === undefined ? received : marked(received, sourceKey, source) }),
      });
    }
  }

  /** Resolves when every source is subscribed. */
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

  /** Resolves when nothing is held or under way. Rejects with `NOT_IDLE` after `timeoutMs`. */
  idle(options?: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined }): Promise<void> {
    return this.#relay.idle(options);
  }

  /** As the router's, with a handler for each source. `failing`: something does not get through; `lastError` says why, `detail` which message it is. */
  health(): Health {
    return this.#relay.health();
  }

  /** Waits for what is under way. Subscriber and publisher stay open. Idempotent. */
  close(options?: DrainOptions): Promise<void> {
    return this.#relay.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay[Symbol.asyncDispose]();
  }
}

function marked(received: ReceivedMessage, key: string, source: string): Message {
  const message = received.copy();
  message.metadata.set(key, source);
  return message;
}
