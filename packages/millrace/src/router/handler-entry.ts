import { MillraceError } from "../errors/index.ts";
import { type Deferred, quietDeferred } from "../internal/deferred.ts";
import { wallMs } from "../internal/timers.ts";
import type { DrainOptions, HandlerIdentity, Middleware } from "../message/index.ts";
import { statusWithJson } from "../message/status-json.ts";
import type { Desk } from "./calls/desk.ts";
import type { HandlerHandle } from "./handler-options.ts";
import type { HandlerSpec } from "./handler-spec.ts";
import type { HandlerHealth } from "./health.ts";
import type { Observers } from "./observers.ts";
import type { Runner } from "./runner.ts";
import { StateTeller } from "./state-teller.ts";

/** A handler in the router's register, through all its runs, and the handle that its owner holds. */
export class HandlerEntry implements HandlerHandle {
  readonly spec: HandlerSpec;
  readonly desk: Desk;
  readonly identity: HandlerIdentity;
  /** Router-level and handler-level middleware, in order of addition. */
  readonly middleware: Middleware[];
  runner: Runner | undefined;
  /** Its owner has stopped it: it is not started again. */
  removed = false;
  readonly teller: StateTeller;
  readonly #remove: (entry: HandlerEntry) => Promise<void>;
  #started: Deferred<void> = quietDeferred();
  #stopped: Deferred<void> = quietDeferred();
  /** Those two have been told how the last run went. */
  #told = false;
  #over = false;
  /** When what it is while it does not run began: to wait for its start, or to have ended. */
  #restsMs = wallMs();
  #lost: { readonly since: Date; readonly error: Error } | undefined;
  #paused = false;

  constructor(
    spec: HandlerSpec,
    identity: HandlerIdentity,
    desk: Desk,
    middleware: readonly Middleware[],
    observers: Observers,
    remove: (entry: HandlerEntry) => Promise<void>,
  ) {
    this.spec = spec;
    this.identity = identity;
    this.desk = desk;
    this.middleware = [...middleware];
    this.teller = new StateTeller(this, observers);
    desk.onState = () => this.teller.tell();
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

  /** It was stopped by nobody, and cannot go on: it stays in health until its owner stops it, or another takes its name. */
  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Nothing of it runs any more, and nobody waits for it to come back. */
  get nameIsFree(): boolean {
    return this.lost && this.runner === undefined;
  }

  /** Its subscriber was closed behind our back. */
  lose(error: Error): void {
    this.#lost = { since: new Date(wallMs()), error };
    this.teller.tell();
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
    this.teller.tell();
  }

  resume(): void {
    this.#paused = false;
    this.runner?.resume();
    this.teller.tell();
  }

  stop(): Promise<void> {
    this.removed = true;
    return this.#remove(this);
  }

  health(): HandlerHealth {
    const lost = this.#lost;
    if (lost === undefined) return this.#health();
    return statusWithJson<HandlerHealth>({ ...this.#health(), state: "stopped", since: lost.since, lastError: lost.error });
  }

  #health(): HandlerHealth {
    const since = new Date(this.#restsMs);
    const health = this.runner?.health();
    if (health !== undefined) return health.state === "starting" ? statusWithJson<HandlerHealth>({ ...health, since }) : health;
    const { counts, lastError, lastMessageMs } = this.desk;
    return statusWithJson<HandlerHealth>({
      state: this.#over ? "stopped" : "starting",
      since,
      inFlight: 0,
      held: 0,
      attempts: 0,
      counts: { ...counts },
      lastError,
      lastMessageAt: lastMessageMs === 0 ? undefined : new Date(lastMessageMs),
    });
  }

  /** Subscribes. Nothing is read before `read`. */
  async launch(runner: Runner): Promise<void> {
    this.renew();
    if (this.#over) this.#restsMs = wallMs();
    this.#over = false;
    this.runner = runner;
    if (this.#paused) runner.pause();
    try {
      await runner.open();
    } catch (error) {
      this.runner = undefined;
      this.fail(error);
      throw error;
    }
  }

  read(): void {
    if (this.removed) return;
    this.#lost = undefined;
    this.runner?.read();
    this.#started.resolve();
    this.teller.tell();
  }

  /** It could not start, or will not. */
  fail(error: unknown): void {
    this.#told = true;
    this.#started.reject(error);
    this.#stopped.resolve();
  }

  /** Ends the run, if there is one. */
  async end(drain: DrainOptions): Promise<void> {
    const { runner } = this;
    try {
      await runner?.stop(drain);
    } finally {
      this.#keepCounts(runner);
      if (!this.#over) this.#restsMs = runner?.stoppingMs ?? wallMs();
      this.#over = true;
      this.runner = undefined;
      this.teller.tell();
      this.fail(new MillraceError(`handler ${JSON.stringify(this.name)} was stopped before it had started`, { code: "HANDLER_STOPPED" }));
    }
  }

  /** Makes ready for another launch. */
  renew(): void {
    if (!this.#told) return;
    this.#told = false;
    this.#started = quietDeferred();
    this.#stopped = quietDeferred();
  }

  /** What the run's subscriptions have counted stays with the handler. */
  #keepCounts(runner: Runner | undefined): void {
    if (runner === undefined) return;
    const { undecodable, reconnected } = runner.health().counts;
    this.desk.counts.undecodable = undecodable;
    this.desk.counts.reconnected = reconnected;
  }
}
