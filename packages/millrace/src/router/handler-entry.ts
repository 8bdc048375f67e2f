import { MillraceError } from "../errors/index.ts";
import { type Deferred, quietDeferred } from "../internal/deferred.ts";
import type { DrainOptions, Middleware } from "../message/index.ts";
import type { HandlerHandle } from "./handler-options.ts";
import type { HandlerSpec } from "./handler-spec.ts";
import type { HandlerHealth } from "./health.ts";
import type { Runner } from "./runner.ts";

/** A handler in the router's register, and the handle that its owner holds. */
export class HandlerEntry implements HandlerHandle {
  readonly spec: HandlerSpec;
  /** Router-level and handler-level middleware, in order of addition. */
  readonly middleware: Middleware[];
  runner: Runner | undefined;
  readonly #remove: (entry: HandlerEntry, drain: DrainOptions) => Promise<void>;
  #started: Deferred<void> = quietDeferred();
  #stopped: Deferred<void> = quietDeferred();
  #paused = false;

  constructor(spec: HandlerSpec, middleware: readonly Middleware[], remove: (entry: HandlerEntry, drain: DrainOptions) => Promise<void>) {
    this.spec = spec;
    this.middleware = [...middleware];
    this.#remove = remove;
  }

  get name(): string {
    return this.spec.name;
  }

  get started(): Promise<void> {
    return this.#started.promise;
  }

  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  addMiddleware(...middleware: readonly Middleware[]): this {
    if (this.runner !== undefined) {
      throw new MillraceError(`handler ${JSON.stringify(this.name)} has started: add its middleware before`, { code: "HANDLER_STARTED" });
    }
    this.middleware.push(...middleware);
    return this;
  }

  pause(): void {
    this.#paused = true;
    this.runner?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.runner?.resume();
  }

  stop(): Promise<void> {
    return this.#remove(this, {});
  }

  health(): HandlerHealth {
    return this.runner?.health() ?? { state: "starting", since: new Date(), inFlight: 0, held: 0, attempts: 0 };
  }

  async launch(runner: Runner): Promise<void> {
    this.runner = runner;
    if (this.#paused) runner.pause();
    try {
      await runner.start();
    } catch (error) {
      this.runner = undefined;
      this.fail(error);
      throw error;
    }
    this.#started.resolve();
  }

  /** It could not start, or will not. */
  fail(error: unknown): void {
    this.#started.reject(error);
    this.#stopped.resolve();
  }

  /** Ends the run. */
  async end(drain: DrainOptions): Promise<void> {
    const { runner } = this;
    try {
      await runner?.stop(drain);
    } finally {
      this.runner = undefined;
      this.fail(new MillraceError(`handler ${JSON.stringify(this.name)} was stopped before it had started`, { code: "HANDLER_STOPPED" }));
    }
  }

  /** Makes ready for another launch. */
  renew(): void {
    this.#started = quietDeferred();
    this.#stopped = quietDeferred();
  }
}
