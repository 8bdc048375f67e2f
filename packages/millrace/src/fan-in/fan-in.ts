import { relayOrder } from "../forwarder/forwarder-options.ts";
import { relay } from "../forwarder/relay.ts";
import type { DrainOptions, Message, ReceivedMessage } from "../message/index.ts";
import { FAILURE_DEFAULTS } from "../router/failure-policy.ts";
import { type Health, Router } from "../router/index.ts";
import { checkFanIn, FAN_IN_DEFAULTS, type FanInOptions } from "./fan-in-options.ts";

/**
 * Merges several topics into one: what is published to any of the sources is published to the target, unchanged.
 *
 * - At least once: a message is acked when the target's publisher has confirmed it. Id, key, payload and metadata stay as they are.
 * - Each source keeps its own order (per key with `concurrency` above 1); between sources there is none. What is there is
 *   published in one call.
 * - Each source is a handler of its own, `fan_in_<topic>`: one that breaks does not stop the others, and health shows it.
 * - A publish that fails is tried again for ever, unless `failure` gives `attempts` and a `deadLetter`; from the tenth attempt
 *   health says `failing`.
 *
 * Throws `OptionError` `BAD_OPTION`. As Watermill's `components/fanin`.
 *
 * ```ts
 * const fanIn = new FanIn({ subscriber: broker, publisher: broker, sources: ["orders.eu", "orders.us"], target: "orders" });
 * await fanIn.start();
 * ```
 */
export class FanIn implements AsyncDisposable {
  readonly #router: Router;
  readonly #visibleAfter: number;

  constructor(options: FanInOptions) {
    checkFanIn(options);
    const { subscriber, publisher, sources, target, sourceKey, group, from, concurrency, middleware, failure, drainTimeoutMs, logger } = options;
    this.#router = new Router({ drainTimeoutMs, logger });
    this.#visibleAfter = failure?.attempts ?? FAILURE_DEFAULTS.attempts;
    const orderBy = relayOrder(concurrency, options.orderBy);
    for (const source of sources) {
      this.#router.addBatchHandler({
        name: `fan_in_${source}`,
        subscribe: { subscriber, topic: source },
        group,
        from,
        size: options.batch ?? FAN_IN_DEFAULTS.batch,
        maxWaitMs: 0,
        concurrency,
        orderBy,
        middleware,
        failure: { ...failure, attempts: failure?.attempts ?? Number.MAX_SAFE_INTEGER },
        handle: relay({
          publisher,
          orderBy,
          open: (received) => ({ topic: target, message: sourceKey === undefined ? received : marked(received, sourceKey, source) }),
          onError: () => {},
        }),
      });
    }
  }

  /** Resolves when every source is subscribed. */
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

  /** Resolves when nothing is held or under way. */
  idle(): Promise<void> {
    return this.#router.idle();
  }

  /** As the router's, with a handler for each source. */
  health(): Health {
    const health = this.#router.health();
    const handlers = Object.entries(health.handlers).map(([name, one]) => {
      const failing = one.state === "running" && one.attempts >= this.#visibleAfter;
      return [name, failing ? { ...one, state: "failing" as const } : one] as const;
    });
    return { ...health, handlers: Object.fromEntries(handlers) };
  }

  /** Waits for what is under way. Subscriber and publisher stay open. Idempotent. */
  close(options?: DrainOptions): Promise<void> {
    return this.#router.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#router[Symbol.asyncDispose]();
  }
}

function marked(received: ReceivedMessage, key: string, source: string): Message {
  const message = received.copy();
  message.metadata.set(key, source);
  return message;
}
