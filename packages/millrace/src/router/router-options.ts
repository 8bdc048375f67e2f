import type { Logger } from "../logger/index.ts";
import type { DrainOptions, MaybePromise, Middleware, Publisher, Subscriber } from "../message/index.ts";
import type { FailurePolicy } from "./failure-policy.ts";
import type { BatchHandlerOptions, ConsumerHandlerOptions, HandlerHandle, ProducingHandlerOptions } from "./handler-options.ts";
import type { Description, Health } from "./health.ts";
import type { Observer } from "./observers.ts";

export interface RouterOptions {
  /** Begins every default group, so that two services do not take each other's messages; also the source in what describes the router. */
  readonly service?: string | undefined;
  /** Lets handlers name a topic alone. */
  readonly subscriber?: Subscriber | undefined;
  readonly publisher?: Publisher | undefined;
  /** Closed last, in reverse order, when the router closes. Nothing else that you pass in is ever closed. */
  readonly owns?: ReadonlyArray<{ close(): Promise<void> }> | undefined;
  /** For every handler that does not say otherwise. */
  readonly failure?: FailurePolicy | undefined;
  /** How long `close()` waits for handlers. Default 30,000. */
  readonly drainTimeoutMs?: number | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}

export type RouterPlugin = (router: Router) => MaybePromise<void>;
export type PublisherDecorator = (publisher: Publisher) => Publisher;
export type SubscriberDecorator = (subscriber: Subscriber) => Subscriber;

/**
 * Runs handlers: subscribes each to its topic, calls it for every message, publishes what it gives back, then acks.
 *
 * Life: `add…` → `start()` (or `run()`) → `close()`, and `start()` again if you like. Handlers added while it runs start at once.
 * The same handler's middleware, in order of addition, first outermost: see `Middleware`. Decorators run in order of addition.
 */
export interface Router extends AsyncDisposable {
  /** Any of the three below, for handlers that are made as values. */
  add(handler: BatchHandlerOptions): HandlerHandle;
  add(handler: ProducingHandlerOptions): HandlerHandle;
  add(handler: ConsumerHandlerOptions): HandlerHandle;
  add(handler: ProducingHandlerOptions | ConsumerHandlerOptions | BatchHandlerOptions): HandlerHandle;
  addHandler(options: ProducingHandlerOptions): HandlerHandle;
  addConsumerHandler(options: ConsumerHandlerOptions): HandlerHandle;
  addBatchHandler(options: BatchHandlerOptions): HandlerHandle;
  /** Takes effect for handlers that start later. */
  addMiddleware(...middleware: readonly Middleware[]): this;
  /** Plugins run in order when the router starts, before any handler subscribes. */
  addPlugin(...plugins: readonly RouterPlugin[]): this;
  addPublisherDecorators(...decorators: readonly PublisherDecorator[]): this;
  addSubscriberDecorators(...decorators: readonly SubscriberDecorator[]): this;
  /** Resolves when every handler is subscribed. When one cannot be, everything started is stopped and the error is thrown. */
  start(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** `start()`, then resolves when the router has closed. */
  run(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  readonly started: Promise<void>;
  readonly logger: Logger;
  /**
   * Resolves when nothing is buffered or in flight in any handler that is not paused. Rejects with the signal's reason, or with
   * `NOT_IDLE` when `timeoutMs` is over first; by default it waits for ever.
   */
  idle(options?: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined }): Promise<void>;
  /** Resolves when the router has closed, by whatever way, or could not start. */
  readonly closed: Promise<void>;
  health(): Health;
  /** Tells of everything that happens; answers with how to stop. An observer that throws is logged and changes nothing. */
  observe(observer: Observer): () => void;
  describe(): Description;
  /**
   * Drains every handler, then closes what it `owns`. Idempotent; always ends, at the drain's deadline at the latest. Called by a handler before
   * its first `await`, it begins the closing and resolves at once, since it cannot wait for that handler's own end.
   */
  close(options?: DrainOptions): Promise<void>;
}

export interface RouterConstructor {
  new (options?: RouterOptions): Router;
}
