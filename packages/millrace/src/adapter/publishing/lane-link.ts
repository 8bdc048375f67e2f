import { MillraceError } from "../../errors/index.ts";
import { type Backoff, backoffMs } from "../../internal/backoff.ts";
import { sleep } from "../../internal/timers.ts";
import { guarded } from "../../logger/guarded-logger.ts";
import { type Logger, silentLogger } from "../../logger/index.ts";
import { knownBackoff } from "../../options/index.ts";
import { RECONNECT_DEFAULTS } from "../settings.ts";
import type { PublishQueueRules } from "./publish-rules.ts";
import type { PublishTarget } from "./publish-target.ts";

/** What is told of why nothing can be sent. */
export interface Troubled {
  trouble: unknown;
}

export interface LinkHooks {
  /** Somebody has something to send. */
  wanted(): boolean;
  onUp(): void;
  onLost(error: unknown): void;
  /** It cannot heal. */
  onFinal(error: unknown): void;
}

/** Keeps a lane's link open while somebody wants it: connects, and connects anew when it breaks, with backoff. */
export class LaneLink<Item, Link> {
  readonly #name: string;
  readonly #target: PublishTarget<Item, Link>;
  readonly #rules: PublishQueueRules;
  readonly #shown: Troubled;
  readonly #stop: AbortSignal;
  readonly #hooks: LinkHooks;
  readonly #logger: Logger;
  readonly #reconnect: Backoff;
  #link: Link | undefined;
  #connecting = false;
  /** In a row, without an answer between them. */
  #failures = 0;
  /** The link has answered something. */
  #worked = false;
  /** Counts links: what a former one says is told apart. */
  epoch = 0;

  constructor(name: string, target: PublishTarget<Item, Link>, rules: PublishQueueRules, shown: Troubled, stop: AbortSignal, hooks: LinkHooks) {
    this.#name = name;
    this.#target = target;
    this.#rules = rules;
    this.#shown = shown;
    this.#stop = stop;
    this.#hooks = hooks;
    this.#reconnect = knownBackoff(rules.reconnect ?? {}, RECONNECT_DEFAULTS);
    this.#logger = guarded(rules.logger ?? silentLogger);
  }

  get link(): Link | undefined {
    return this.#link;
  }

  get connecting(): boolean {
    return this.#connecting;
  }

  /** The broker has said what became of a message. */
  onWell(): void {
    this.#worked = true;
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#shown.trouble = undefined;
  }

  /** Resolves after a while that grows with every failure in a row. */
  async pause(error: unknown): Promise<void> {
    this.#shown.trouble = error;
    this.#failures++;
    await this.#backOff().catch(() => {});
  }

  /** Again and again while somebody wants it. Never rejects. */
  async connect(): Promise<void> {
    if (this.#connecting) return;
    this.#connecting = true;
    while (!this.#stop.aborted && this.#link === undefined && this.#hooks.wanted()) await this.#try();
    this.#connecting = false;
    if (!this.#stop.aborted) this.#hooks.onUp();
  }

  async disconnect(): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    this.epoch++;
    if (link !== undefined) await this.#leave(link);
  }

  async #try(): Promise<void> {
    const epoch = ++this.epoch;
    try {
      // At once after a link that has worked.
      if (this.#failures > 0) await this.#backOff();
      if (!this.#hooks.wanted()) return;
      // Whoever waits for a connection that hangs is told as for one that fails.
      this.#shown.trouble ??= new MillraceError("the broker has not answered so far", { code: "BROKER_UNREACHABLE", retryable: true });
      const link = await this.#target.connect(this.#name, (error) => this.#onLost(epoch, error), this.#stop);
      if (epoch !== this.epoch) {
        if (this.#stop.aborted) await this.#leave(link);
        return; // closed, or lost meanwhile
      }
      this.#link = link;
      this.#worked = false;
      this.#shown.trouble = undefined;
    } catch (error) {
      if (this.#stop.aborted) return;
      this.#failures++;
      this.#shown.trouble = error;
      this.#logger.warn({ adapter: this.#rules.adapter, lane: this.#name, attempt: this.#failures, error }, "publishing waits for a connection");
      if (isFinal(error)) this.#hooks.onFinal(error);
    }
  }

  #onLost(epoch: number, error: unknown): void {
    if (epoch !== this.epoch) return;
    this.epoch++;
    this.#link = undefined;
    if (!this.#worked) this.#failures++;
    this.#shown.trouble = error;
    this.#logger.warn({ adapter: this.#rules.adapter, lane: this.#name, error }, "a connection for publishing was lost");
    this.#hooks.onLost(error);
  }

  #backOff(): Promise<void> {
    return sleep(backoffMs(this.#failures, this.#reconnect), this.#stop);
  }

  async #leave(link: Link): Promise<void> {
    try {
      await this.#target.disconnect(link);
    } catch (error) {
      this.#logger.warn({ adapter: this.#rules.adapter, lane: this.#name, error }, "a connection for publishing could not be closed properly");
    }
  }
}

export function isFinal(error: unknown): boolean {
  return MillraceError.is(error) && !error.retryable;
}
