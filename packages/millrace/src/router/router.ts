import { MillraceError } from "../errors/index.ts";
import { type Deferred, quietDeferred } from "../internal/deferred.ts";
import { startTimer, stopTimer, type TimerHandle } from "../internal/timers.ts";
import { consoleLogger, type Logger } from "../logger/index.ts";
import type { DrainOptions, Middleware } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import { assemble } from "./assemble.ts";
import { HandlerEntry } from "./handler-entry.ts";
import type { BatchHandlerOptions, ConsumerHandlerOptions, HandlerHandle, ProducingHandlerOptions } from "./handler-options.ts";
import { type AnyHandlerOptions, adapterName, checkFailure, type HandlerKind, handlerSpec } from "./handler-spec.ts";
import type { Description, Health } from "./health.ts";
import type { PublisherDecorator, RouterConstructor, Router as RouterContract, RouterOptions, RouterPlugin, SubscriberDecorator } from "./router-options.ts";

const DRAIN_MS = 30_000;
const STAY_MS = 3_600_000;

type Phase = "resting" | "starting" | "running" | "closing";

class HandlerRouter implements RouterContract {
  readonly logger: Logger;
  readonly #options: RouterOptions;
  readonly #entries: Map<string, HandlerEntry> = new Map();
  readonly #middleware: Middleware[] = [];
  readonly #plugins: RouterPlugin[] = [];
  readonly #publisherDecorators: PublisherDecorator[] = [];
  readonly #subscriberDecorators: SubscriberDecorator[] = [];
  #phase: Phase = "resting";
  #started: Deferred<void> = quietDeferred();
  /** The last start failed: what waited for it was told, the next start is another one. */
  #refused = false;
  #ended: Deferred<void> = quietDeferred();
  #closing: Promise<void> | undefined;
  #failed = false;

  constructor(options: RouterOptions = {}) {
    const check = new OptionCheck("Router");
    check.methods("subscriber", options.subscriber, ["subscribe"]).methods("publisher", options.publisher, ["publish"]);
    check.duration("drainTimeoutMs", options.drainTimeoutMs).methods("logger", options.logger, ["trace", "debug", "info", "warn", "error"]);
    check.that(
      options.owns === undefined || (Array.isArray(options.owns) && options.owns.every((one) => typeof one?.close === "function")),
      "owns must be a list of objects with close()",
    );
    checkFailure(check, options.failure);
    check.done();
    this.#options = options;
    this.logger = options.logger ?? consoleLogger({ level: "warn" });
  }

  get started(): Promise<void> {
    return this.#started.promise;
  }

  addHandler(options: ProducingHandlerOptions): HandlerHandle {
    return this.#add("handler", options);
  }

  addConsumerHandler(options: ConsumerHandlerOptions): HandlerHandle {
    return this.#add("consumer", options);
  }

  addBatchHandler(options: BatchHandlerOptions): HandlerHandle {
    return this.#add("batch", options);
  }

  addMiddleware(...middleware: readonly Middleware[]): this {
    this.#middleware.push(...middleware);
    for (const entry of this.#entries.values()) if (entry.runner === undefined) entry.middleware.push(...middleware);
    return this;
  }

  addPlugin(...plugins: readonly RouterPlugin[]): this {
    this.#plugins.push(...plugins);
    return this;
  }

  addPublisherDecorators(...decorators: readonly PublisherDecorator[]): this {
    this.#publisherDecorators.push(...decorators);
    return this;
  }

  addSubscriberDecorators(...decorators: readonly SubscriberDecorator[]): this {
    this.#subscriberDecorators.push(...decorators);
    return this;
  }

  async start({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (this.#phase !== "resting") {
      throw new MillraceError(`the router is ${this.#phase}: it can be started again after close()`, { code: "ROUTER_RUNNING" });
    }
    this.#phase = "starting";
    if (this.#refused) this.#renew();
    this.#failed = false;
    this.#closing = undefined;
    this.#ended = quietDeferred();
    try {
      signal?.throwIfAborted();
      for (const plugin of this.#plugins) await plugin(this);
      // Also those that are added meanwhile: a map is walked to its live end.
      for (const entry of this.#entries.values()) await this.#launch(entry);
    } catch (error) {
      for (const entry of this.#entries.values()) if (entry.runner === undefined) entry.fail(error);
      await Promise.allSettled([...this.#entries.values()].map((entry) => entry.end({ timeoutMs: 0 })));
      this.#refused = true;
      this.#phase = "resting";
      this.#started.reject(error);
      this.#ended.resolve();
      throw error;
    }
    this.#phase = "running";
    this.#started.resolve();
    if (signal !== undefined) {
      const onAbort = (): void => void this.close().catch((error: unknown) => this.logger.error({ error }, "closing failed"));
      signal.addEventListener("abort", onAbort, { once: true });
      void this.#ended.promise.then(() => signal.removeEventListener("abort", onAbort));
      if (signal.aborted) onAbort();
    }
  }

  async run(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    await this.start(options);
    // A router that runs is a reason for the process to live, also when nothing is connected.
    let alive: TimerHandle | undefined;
    const stay = (): void => {
      alive = startTimer(stay, STAY_MS);
    };
    stay();
    await this.#ended.promise;
    stopTimer(alive);
  }

  async idle(): Promise<void> {
    for (;;) {
      const before = this.#handled();
      for (const entry of this.#entries.values()) await entry.runner?.quiet();
      if (before === this.#handled()) return;
    }
  }

  health(): Health {
    const handlers = Object.fromEntries([...this.#entries.values()].map((entry) => [entry.name, entry.health()]));
    const connected = Object.values(handlers).every(({ state }) => state !== "starting" && state !== "reconnecting" && state !== "stopped");
    return { live: !this.#failed, ready: this.#phase === "running" && connected, handlers };
  }

  describe(): Description {
    return {
      handlers: [...this.#entries.values()].map(({ spec }) => ({
        name: spec.name,
        kind: spec.kind,
        group: spec.group,
        subscribe: { topic: spec.topic, adapter: adapterName(spec.subscriber) },
        publish: spec.publisher === undefined ? undefined : { topic: spec.publishTopic as string, adapter: adapterName(spec.publisher) },
      })),
    };
  }

  close(options: DrainOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close({ timeoutMs: 0 });
  }

  #renew(): void {
    this.#refused = false;
    this.#started = quietDeferred();
    for (const entry of this.#entries.values()) entry.renew();
  }

  /** For plugins: `closed` runs once when this run of the router has ended, or could not begin. */
  "millrace.onClosed"(closed: () => void): void {
    void this.#ended.promise.then(closed);
  }

  #handled(): number {
    let sum = 0;
    for (const { runner } of this.#entries.values()) sum += runner?.handled ?? 0;
    return sum;
  }

  #add(kind: HandlerKind, options: AnyHandlerOptions): HandlerHandle {
    const spec = handlerSpec(kind, options, this.#options, (name) => this.#entries.has(name));
    const entry = new HandlerEntry(spec, [...this.#middleware, ...(options.middleware ?? [])], (one, drain) => this.#remove(one, drain));
    this.#entries.set(spec.name, entry);
    if (this.#phase === "running") {
      this.#launch(entry).catch((error: unknown) => {
        this.#entries.delete(entry.name);
        this.logger.error({ handler: entry.name, topic: spec.topic, error }, "a handler added while running could not start");
      });
    }
    return entry;
  }

  async #launch(entry: HandlerEntry): Promise<void> {
    const runner = assemble(entry.spec, entry.middleware, {
      failure: this.#options.failure,
      logger: this.logger,
      publisherDecorators: this.#publisherDecorators,
      subscriberDecorators: this.#subscriberDecorators,
      onGone: (finished) => this.#onGone(entry, finished),
    });
    await entry.launch(runner);
  }

  async #remove(entry: HandlerEntry, drain: DrainOptions): Promise<void> {
    try {
      await entry.end({ timeoutMs: this.#options.drainTimeoutMs ?? DRAIN_MS, ...drain });
    } finally {
      if (this.#entries.get(entry.name) === entry) this.#entries.delete(entry.name);
    }
  }

  /** A handler's input has ended, or its subscriber was closed behind our back. When that was the last handler, the router closes. */
  #onGone(entry: HandlerEntry, finished: boolean): void {
    const { runner } = entry;
    void this.#remove(entry, { timeoutMs: 0 }).finally(() => {
      if (this.#phase !== "running" || this.#entries.size > 0 || runner === undefined) return;
      this.#failed = !finished;
      this.logger[finished ? "info" : "error"]({}, "all handlers have stopped, the router closes");
      this.close().catch((error: unknown) => this.logger.error({ error }, "closing failed"));
    });
  }

  async #close(options: DrainOptions): Promise<void> {
    if (this.#phase === "starting") await this.#started.promise.catch(() => {});
    const ran = this.#phase === "running";
    this.#phase = "closing";
    const drain = { timeoutMs: this.#options.drainTimeoutMs ?? DRAIN_MS, ...options };
    const failures: unknown[] = [];
    for (const result of await Promise.allSettled([...this.#entries.values()].map((entry) => entry.end(drain)))) {
      if (result.status === "rejected") failures.push(result.reason);
    }
    for (const owned of [...(this.#options.owns ?? [])].reverse()) {
      try {
        await owned.close();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#phase = "resting";
    if (ran) this.#renew();
    this.#ended.resolve();
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, "closing the router met several failures");
  }
}

/** See `Router` in the contract; made with `new Router({ subscriber, publisher, owns })`. */
export const Router: RouterConstructor = HandlerRouter;
export type Router = RouterContract;
