import type { Logger } from "../logger/index.ts";
import type { DrainOptions, From, Middleware, OrderBy, Publisher, ReceivedMessage, Subscriber } from "../message/index.ts";
import { safeOrder } from "../message/safe-order.ts";
import { statusWithJson } from "../message/status-json.ts";
import { FAILURE_DEFAULTS } from "../router/failure-policy.ts";
import { type FailurePolicy, type HandlerHealth, type Health, Router } from "../router/index.ts";
import type { Addressed } from "./addressed.ts";
import { Passage } from "./passage.ts";
import { relayOrder } from "./relay-order.ts";
import { Troubles } from "./troubles.ts";

export interface RelayOptions {
  readonly drainTimeoutMs?: number | undefined;
  readonly logger?: Logger | undefined;
}

/** One topic that is relayed. */
export interface Route {
  readonly name: string;
  readonly subscriber: Subscriber;
  readonly topic: string;
  readonly group?: string | undefined;
  readonly from?: From | undefined;
  readonly concurrency?: number | undefined;
  readonly orderBy?: OrderBy | undefined;
  readonly batch: number;
  readonly maxWaitMs: number;
  readonly middleware?: readonly Middleware[] | undefined;
  readonly failure?: FailurePolicy | undefined;
  readonly publisher: Publisher;
  /** What to publish, and where; `undefined` leaves the message out, a throw fails it. */
  readonly open: (message: ReceivedMessage) => Addressed | undefined;
}

/**
 * Brings messages from topics to topics: what the forwarder, the fan-in and others are made of.
 *
 * - One publish call for each run of messages for one topic, one run after the other; acked is what the publisher confirmed.
 * - The culprit alone: a run that comes back rejected is sent one by one. What the publisher is not sure of, or fails without saying what
 *   became of each message, is tried again later, one by one.
 * - What is behind a message that failed, by key, goes back uncounted.
 * - Only a message that was refused by itself is ever given up, after `failure.attempts` refusals (without it never), or at once when the
 *   error is permanent. An outage of the target, or an unknown outcome, is no refusal.
 * - Health shows the last error from the first failure on. `failing`: at once where trying again cannot help, else when a message has not
 *   got through for 5 s, or at `failure.attempts` (10 without it).
 */
export class Relay implements AsyncDisposable {
  readonly #router: Router;
  readonly #troubles: Map<string, Troubles> = new Map();

  constructor(options: RelayOptions) {
    this.#router = new Router(options);
  }

  get logger(): Logger {
    return this.#router.logger;
  }

  add(route: Route): void {
    const { name, topic, subscriber, publisher, open, failure } = route;
    const given = relayOrder(route.concurrency, route.orderBy);
    const orderBy = given === "none" ? given : safeOrder(given, topic, this.logger);
    const troubles = new Troubles({
      handler: name,
      attempts: failure?.attempts ?? Number.POSITIVE_INFINITY,
      buries: failure?.deadLetter !== undefined,
      visibleAfter: failure?.attempts ?? FAILURE_DEFAULTS.attempts,
      logger: this.logger,
    });
    const parts = { publisher, open, keyOf: orderBy === "none" ? () => undefined : orderBy, troubles };
    this.#router.addBatchHandler({
      name,
      subscribe: { subscriber, topic },
      group: route.group ?? name,
      from: route.from,
      size: route.batch,
      maxWaitMs: route.maxWaitMs,
      concurrency: route.concurrency,
      orderBy,
      middleware: route.middleware,
      // A target that is down must not empty the source into the dead letter: the relay itself says which attempt is the last.
      failure: { ...failure, attempts: Number.MAX_SAFE_INTEGER },
      handle: (messages, batch) => new Passage(parts, batch).take(messages),
    });
    this.#troubles.set(name, troubles);
  }

  start(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    for (const troubles of this.#troubles.values()) troubles.clear();
    return this.#router.start(options);
  }

  run(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    for (const troubles of this.#troubles.values()) troubles.clear();
    return this.#router.run(options);
  }

  get started(): Promise<void> {
    return this.#router.started;
  }

  idle(options?: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined }): Promise<void> {
    return this.#router.idle(options);
  }

  health(): Health {
    const health = this.#router.health();
    const handlers = Object.entries(health.handlers).map(([name, one]) => [name, shown(one, this.#troubles.get(name))] as const);
    return { ...health, handlers: Object.fromEntries(handlers) };
  }

  close(options?: DrainOptions): Promise<void> {
    return this.#router.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#router[Symbol.asyncDispose]();
  }
}

/** A handler's health with what only the relay knows. */
function shown(own: HandlerHealth, troubles: Troubles | undefined): HandlerHealth {
  if (own.attempts === 0) troubles?.forgetGivenBack();
  const oldest = troubles?.oldest;
  if (oldest === undefined) return own;
  const known = statusWithJson<HandlerHealth>({ ...own, lastError: oldest.error });
  const failing = troubles?.failing;
  if (failing === undefined || (own.state !== "running" && own.state !== "failing")) return known;
  const { id, delivery } = failing.message;
  const where = delivery.position === undefined ? `message ${id}` : `position ${delivery.position}`;
  const detail = own.detail ?? `${where} does not get through`;
  return statusWithJson({ ...known, state: "failing", since: failing.since, lastError: failing.error, detail });
}
