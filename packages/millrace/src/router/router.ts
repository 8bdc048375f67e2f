import { MillraceError } from "../errors/index.ts";
import { type Deferred, quietDeferred } from "../internal/deferred.ts";
import { stayAlive } from "../internal/stay-alive.ts";
import { untilAborted } from "../internal/within.ts";
import { guarded } from "../logger/guarded-logger.ts";
import type { Logger } from "../logger/index.ts";
import type { DrainOptions, Middleware } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import { assemble, deskOf, withSafeOrder } from "./assemble.ts";
import { describedHandler } from "./described-handler.ts";
import { HandlerEntry } from "./handler-entry.ts";
import type { BatchHandlerOptions, ConsumerHandlerOptions, HandlerHandle, ProducingHandlerOptions } from "./handler-options.ts";
import { type AnyHandlerOptions, checkFailure, type HandlerKind, handlerSpec } from "./handler-spec.ts";
import { answerFromInside } from "./handling/running-call.ts";
import type { Description, Health } from "./health.ts";
import { checkFunctions, checkRouterNames } from "./known-options.ts";
import { type Observer, Observers } from "./observers.ts";
import type { PublisherDecorator, RouterConstructor, Router as RouterContract, RouterOptions, RouterPlugin, SubscriberDecorator } from "./router-options.ts";
import { type IdleOptions, untilIdle } from "./until-idle.ts";
import { warnOfSharedNames } from "./warn-of-shared-names.ts";

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
  /** The last run is over: what waited for its beginning or its end was told. */
  #told = false;
  #opening: AbortController = new AbortController();
  readonly #observers: Observers;
  #ended: Deferred<void> = quietDeferred();
  #closing: Promise<void> | undefined;

  constructor(options: RouterOptions = {}) {
    const check = checkRouterNames(new OptionCheck("Router"), options).text("service", options.service);
    check.methods("subscriber", options.subscriber, ["subscribe"]).methods("publisher", options.publisher, ["publish"]);
    check.duration("drainTimeoutMs", options.drainTimeoutMs).methods("logger", options.logger, ["trace", "debug", "info", "warn", "error"]);
    check.that(
      options.owns === undefined || (Array.isArray(options.owns) && options.owns.every((one) => typeof one?.close === "function")),
      "owns must be a list of objects with close()",
    );
    checkFailure(check, options.failure);
    check.done();
    this.#options = options;
    this.logger = guarded(options.logger);
    this.#observers = new Observers(this.logger);
  }

  get started(): Promise<void> {
    return this.#started.promise;
  }

  add(handler: ProducingHandlerOptions | ConsumerHandlerOptions | BatchHandlerOptions): HandlerHandle {
    return this.#add("size" in handler ? "batch" : handler.publish === undefined ? "consumer" : "handler", handler);
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
    checkFunctions("addMiddleware", middleware);
    this.#middleware.push(...middleware);
    for (const entry of this.#entries.values()) if (entry.runner === undefined) entry.middleware.push(...middleware);
    return this;
  }

  addPlugin(...plugins: readonly RouterPlugin[]): this {
    checkFunctions("addPlugin", plugins);
    this.#plugins.push(...plugins);
    return this;
  }

  addPublisherDecorators(...decorators: readonly PublisherDecorator[]): this {
    checkFunctions("addPublisherDecorators", decorators);
    this.#publisherDecorators.push(...decorators);
    return this;
  }

  addSubscriberDecorators(...decorators: readonly SubscriberDecorator[]): this {
    checkFunctions("addSubscriberDecorators", decorators);
    this.#subscriberDecorators.push(...decorators);
    return this;
  }

  async start({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (this.#phase !== "resting") {
      throw new MillraceError(`the router is ${this.#phase}: it can be started again after close()`, { code: "ROUTER_RUNNING" });
    }
    this.#phase = "starting";
    this.#renew();
    this.#closing = undefined;
    this.#opening = new AbortController();
    const stopped = signal === undefined ? this.#opening.signal : AbortSignal.any([signal, this.#opening.signal]);
    try {
      stopped.throwIfAborted();
      await untilAborted(this.#runPlugins(stopped), stopped);
      warnOfSharedNames([...this.#entries.values()], this.#options.service, this.logger);
      // Those too that are added meanwhile: with none left the router runs, in the same turn, and launches by itself what is added.
      for (let next = this.#unlaunched; next.length > 0; next = this.#unlaunched) await untilAborted(this.#launchAll(next), stopped);
      stopped.throwIfAborted();
    } catch (error) {
      for (const entry of this.#entries.values()) entry.fail(error);
      this.#opening.abort(error);
      await Promise.allSettled([...this.#entries.values()].map((entry) => entry.end({ timeoutMs: 0 })));
      this.#told = true;
      this.#phase = "resting";
      this.#started.reject(error);
      this.#ended.resolve();
      throw error;
    }
    this.#phase = "running";
    for (const entry of this.#entries.values()) entry.read();
    this.#started.resolve();
    if (signal !== undefined) {
      const onAbort = (): void => void this.close().catch((error: unknown) => this.logger.error({ error }, "closing failed"));
      signal.addEventListener("abort", onAbort, { once: true });
      void this.#ended.promise.then(() => signal.removeEventListener("abort", onAbort));
    }
  }

  async #runPlugins(signal: AbortSignal): Promise<void> {
    for (const plugin of this.#plugins) {
      if (signal.aborted) return;
      await plugin(this);
    }
  }

  get #unlaunched(): HandlerEntry[] {
    return [...this.#entries.values()].filter((entry) => !entry.removed && entry.runner === undefined);
  }

  /** Subscribes handlers side by side; none of them reads yet. One that its owner stops meanwhile is no reason not to start. */
  async #launchAll(entries: readonly HandlerEntry[]): Promise<void> {
    const results = await Promise.allSettled(entries.map((entry) => this.#launch(entry)));
    for (const [index, result] of results.entries()) if (result.status === "rejected" && !entries[index]?.removed) throw result.reason;
  }

  async run(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    await this.start(options);
    // A router that runs is a reason for the process to live, also when nothing is connected.
    using _alive = stayAlive();
    await this.#ended.promise;
  }

  get closed(): Promise<void> {
    return this.#ended.promise;
  }

  idle(options: IdleOptions = {}): Promise<void> {
    return untilIdle(() => [...this.#entries.values()], options);
  }

  health(): Health {
    const handlers = Object.fromEntries([...this.#entries.values()].map((entry) => [entry.name, entry.health()]));
    const connected = Object.values(handlers).every(({ state }) => state !== "starting" && state !== "reconnecting" && state !== "stopped");
    return { live: ![...this.#entries.values()].some(({ lost }) => lost), ready: this.#phase === "running" && connected, handlers };
  }

  observe(observer: Observer): () => void {
    new OptionCheck("Router.observe")
      .that(typeof observer === "object" && observer !== null, "the observer must be an object")
      .call("handled", observer?.handled)
      .call("published", observer?.published)
      .call("state", observer?.state)
      .done();
    return this.#observers.add(observer);
  }

  describe(): Description {
    return { service: this.#options.service, handlers: [...this.#entries.values()].map(({ spec }) => describedHandler(spec)) };
  }

  close(options: DrainOptions = {}): Promise<void> {
    if (this.#closing !== undefined) for (const { runner } of this.#entries.values()) runner?.stop(this.#drain(options)).catch(() => {}); // the first tells
    this.#closing ??= this.#close(options);
    return answerFromInside(this.#closing, this.logger);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close({ timeoutMs: 0 });
  }

  /** What has told of the last run is made anew. */
  #renew(): void {
    if (!this.#told) return;
    this.#told = false;
    this.#started = quietDeferred();
    this.#ended = quietDeferred();
    for (const entry of this.#entries.values()) entry.renew();
  }

  #add(kind: HandlerKind, options: AnyHandlerOptions): HandlerHandle {
    const given = handlerSpec(kind, options, this.#options, (name) => this.#entries.get(name)?.nameIsFree === false);
    const spec = withSafeOrder(given, this.logger);
    const identity = { service: this.#options.service, handler: spec.name, group: spec.group };
    const desk = deskOf(spec, identity, this.#observers, this.logger);
    const entry = new HandlerEntry(spec, identity, desk, [...this.#middleware, ...(options.middleware ?? [])], this.#observers, (one) =>
      answerFromInside(this.#remove(one, {}), this.logger),
    );
    this.#entries.set(spec.name, entry);
    if (this.#phase === "running") {
      this.#launch(entry).then(
        () => entry.read(),
        (error: unknown) => {
          if (this.#phase !== "running") return; // cut off by a close: it begins with the next start
          if (this.#entries.get(entry.name) === entry) this.#entries.delete(entry.name);
          if (!entry.removed) this.logger.error({ handler: entry.name, topic: spec.topics.join(", "), error }, "a handler added while running could not start");
        },
      );
    }
    return entry;
  }

  async #launch(entry: HandlerEntry): Promise<void> {
    const runner = assemble(entry.spec, entry.desk, entry.middleware, {
      service: this.#options.service,
      failure: this.#options.failure,
      observers: this.#observers,
      publisherDecorators: this.#publisherDecorators,
      subscriberDecorators: this.#subscriberDecorators,
      onGone: (lostBy) => this.#onGone(entry, lostBy),
      onStatus: () => entry.teller.tell(),
    });
    await entry.launch(runner);
  }

  async #remove(entry: HandlerEntry, drain: DrainOptions): Promise<void> {
    try {
      await entry.end(this.#drain(drain));
    } finally {
      if (this.#entries.get(entry.name) === entry) this.#entries.delete(entry.name);
    }
  }

  /** A handler's input has ended, or its subscriber was closed behind our back: then it stays in health. After the last one the router closes. */
  #onGone(entry: HandlerEntry, lostBy: Error | undefined): void {
    const { runner } = entry;
    if (lostBy === undefined) entry.removed = true;
    else entry.lose(lostBy);
    const failed = (error: unknown): void => this.logger.error({ handler: entry.name, error }, "a handler could not be ended properly");
    void (lostBy === undefined ? this.#remove(entry, {}) : entry.end(this.#drain({}))).then(undefined, failed).then(() => {
      const left = [...this.#entries.values()];
      if (this.#phase !== "running" || left.some(({ lost }) => !lost) || runner === undefined) return;
      this.logger[left.length === 0 ? "info" : "error"]({}, "all handlers have stopped, the router closes");
      this.close().catch((error: unknown) => this.logger.error({ error }, "closing failed"));
    });
  }

  #drain(options: DrainOptions): DrainOptions {
    return { ...options, timeoutMs: options.timeoutMs ?? this.#options.drainTimeoutMs };
  }

  async #close(options: DrainOptions): Promise<void> {
    if (this.#phase === "starting") {
      this.#opening.abort(new MillraceError("the router was closed while it started", { code: "CLOSED" }));
      await this.#started.promise.catch(() => {});
    }
    this.#phase = "closing";
    const failures: unknown[] = [];
    for (const result of await Promise.allSettled([...this.#entries.values()].map((entry) => entry.end(this.#drain(options))))) {
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
    this.#ended.resolve();
    this.#told = true;
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, "closing the router met several failures");
  }
}

/** Made with `new Router({ subscriber, publisher, owns })`. */
export const Router: RouterConstructor = HandlerRouter;
export type Router = RouterContract;
