import type { Logger } from "../logger/index.ts";
import type { DrainOptions, MaybePromise, Middleware, Publisher, Subscriber } from "../message/index.ts";
import type { FailurePolicy } from "./failure-policy.ts";
import type { BatchHandlerOptions, ConsumerHandlerOptions, HandlerHandle, ProducingHandlerOptions } from "./handler-options.ts";
import type { Description, Health } from "./health.ts";

export interface RouterOptions {
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
  /** Resolves when nothing is buffered or in flight in any handler. */
  idle(): Promise<void>;
  health(): Health;
  describe(): Description;
  /** Drains every handler, then closes what it `owns`. Idempotent; always ends, at the drain's deadline at the latest. */
  close(options?: DrainOptions): Promise<void>;
}

export interface RouterConstructor {
  new (options?: RouterOptions): Router;
}
