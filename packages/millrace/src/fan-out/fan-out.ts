import { checkSubscribe, OpenSubscriptions, OptionCheck } from "../adapter/index.ts";
import { MillraceError } from "../errors/index.ts";
import { type Deferred, quietDeferred } from "../internal/deferred.ts";
import { orderingKeyOf } from "../message/in-hand.ts";
import type { Capabilities, DrainOptions, SubscribeOptions, Subscriber, Subscription } from "../message/index.ts";
import { isText } from "../options/index.ts";
import { type Health, Router } from "../router/index.ts";
import { checkFanOut, FAN_OUT_DEFAULTS, type FanOutOptions } from "./fan-out-options.ts";
import type { Share } from "./share.ts";
import { Trunk } from "./trunk.ts";

/** What is decided in this process, whatever upstream can. */
const OF_BRANCHES: Partial<Capabilities> = Object.freeze({
  replay: false,
  consumerGroups: true,
  groupless: true,
  ordering: "one-member",
  nativeDelay: false,
  redelivers: true,
  attemptsSurviveCrash: false,
});

/**
 * Reads a topic once and gives every message to any number of branches in this process: a subscriber on top of a subscriber.
 *
 * - At least once: upstream is acked when every branch has acked, and not before. A branch is a group, or a subscription without one.
 * - Nothing is read before `start()`: let all branches subscribe first, and none of them misses anything, also after a restart.
 * - A nack is the branch's own matter: it is handed out again there, and the others hear nothing of it.
 * - A slow branch holds the others up once they are `window` messages ahead of what it has not acked; health names it.
 * - Upstream is acked in order: what comes again after a crash begins with the oldest message that a branch had not acked.
 * - A branch that closes with messages unsettled gives them back: upstream hands them out again, and the branches that stay may
 *   see them twice. A group made by `provision` stays while it has no subscription, and nothing is acked upstream without it.
 * - Until `start()` a branch is `blocked`, and says that the fan-out waits to be started.
 * - Every branch sees upstream's order. Branches begin with what is read after they subscribed.
 *
 * Throws `OptionError` `BAD_OPTION`; after `close()`, `CLOSED`. As Watermill's `FanOut`, which acks too early.
 *
 * ```ts
 * const fanOut = new FanOut({ subscriber: broker });
 * const router = new Router({ subscriber: fanOut });
 * router.addConsumerHandler({ name: "bill", subscribe: "orders", handle: (message) => console.log("bill", message.json()) });
 * router.addConsumerHandler({ name: "ship", subscribe: "orders", handle: (message) => console.log("ship", message.json()) });
 * await router.start();
 * await fanOut.start();
 * ```
 *
 * | handler in a branch | upstream sees |
 * |---|---|
 * | returns | an ack, when all other branches have acked too |
 * | throws, times out | nothing: the branch tries again |
 * | its subscription closes | the message comes back, uncounted |
 * | the process dies | no verdict: it is delivered again to every branch |
 */
export class FanOut implements Subscriber {
  readonly #options: FanOutOptions;
  readonly #router: Router;
  readonly #window: number;
  readonly #trunks: Map<string, Trunk> = new Map();
  readonly #open: OpenSubscriptions = new OpenSubscriptions();
  readonly #ended: Deferred<void> = quietDeferred();
  #starting: Promise<void> | undefined;
  #reads = false;
  #closing: Promise<void> | undefined;
  /** The branches have ended, upstream is left. */
  #leaves = false;

  constructor(options: FanOutOptions) {
    checkFanOut(options);
    this.#options = options;
    this.#window = options.window ?? FAN_OUT_DEFAULTS.window;
    this.#router = new Router({ logger: options.logger, drainTimeoutMs: options.drainTimeoutMs });
    this.add(...(options.topics ?? []));
  }

  /** What upstream promises, as far as it holds for branches. */
  get capabilities(): Capabilities | undefined {
    const { capabilities } = this.#options.subscriber;
    return capabilities === undefined ? undefined : { ...capabilities, ...OF_BRANCHES };
  }

  get started(): Promise<void> {
    return this.#router.started;
  }

  /** Adds topics; those that are there already stay as they are. */
  add(...topics: readonly string[]): this {
    new OptionCheck("FanOut.add").that(topics.every(isText), "every topic must be a text that is not empty").done();
    if (this.#closing !== undefined) throw closed();
    for (const topic of topics) this.#trunk(topic);
    return this;
  }

  /** Subscribes upstream to every topic and begins to read. When one cannot be had, nothing is left open and the error is thrown. */
  start({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    const starting = this.#router.start().then(() => {
      this.#reads = true;
      for (const trunk of this.#trunks.values()) trunk.go();
      const onAbort = (): void => void this.close().catch((error: unknown) => this.#router.logger.error({ error }, "closing the fan-out failed"));
      signal?.addEventListener("abort", onAbort, { once: true });
      void this.#ended.promise.then(() => signal?.removeEventListener("abort", onAbort));
      if (signal?.aborted) onAbort();
    });
    this.#starting = starting.catch(() => {});
    return starting;
  }

  /** `start()`, then resolves when it has closed. */
  async run(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    await this.start(options);
    await this.#ended.promise;
  }

  /** Opens a branch, or joins the branch of a group. A topic that was not added is added. */
  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    this.#check("subscribe", topic, options);
    const trunk = await this.#reading(topic);
    const branch = trunk.branch(options.group);
    return await this.#open.start<Share>({
      topic,
      options,
      settings: {
        adapter: "fan-out",
        orderingKey: ({ receipt }) => orderingKeyOf((receipt as Share).message),
        logger: this.#options.logger,
      },
      source: branch.source(trunk),
    });
  }

  /** Makes the branch of a group, so that nothing is acked upstream that it has not acked, and provisions upstream where that can be done. */
  async provision(topic: string, options: Pick<SubscribeOptions, "group" | "from"> = {}): Promise<void> {
    this.#check("provision", topic, options);
    const { subscriber, group = `fan_out_${topic}`, from } = this.#options;
    await subscriber.provision?.(topic, { group, from });
    const trunk = await this.#reading(topic);
    if (options.group !== undefined) trunk.branch(options.group).kept = true;
  }

  /** As the router's, with a handler for each topic; `blocked` tells which branch holds a topic up. */
  health(): Health {
    const handlers = [...this.#trunks.values()].map((trunk) => [trunk.handle.name, trunk.health()] as const);
    return { ...this.#router.health(), handlers: Object.fromEntries(handlers) };
  }

  /** Drains the branches, gives back upstream what not all of them have acked, and leaves. The subscriber stays open. Idempotent. */
  close({ timeoutMs = this.#options.drainTimeoutMs ?? FAN_OUT_DEFAULTS.drainTimeoutMs, signal }: DrainOptions = {}): Promise<void> {
    const drain = { timeoutMs, signal };
    if (this.#closing !== undefined) this.#hasten(drain);
    this.#closing ??= this.#close(drain);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ timeoutMs: 0 });
  }

  #check(call: string, topic: string, options: SubscribeOptions): void {
    checkSubscribe("FanOut", topic, options);
    new OptionCheck(`FanOut.${call}`)
      .that(options.from === undefined || options.from === "latest", 'from can only be "latest": where upstream begins is an option of the fan-out')
      .done();
    if (this.#closing !== undefined) throw closed();
  }

  #trunk(topic: string): Trunk {
    let trunk = this.#trunks.get(topic);
    if (trunk === undefined) {
      trunk = new Trunk(topic, this.#router, this.#options, this.#window, !this.#reads);
      this.#trunks.set(topic, trunk);
    }
    return trunk;
  }

  /** The topic's trunk, subscribed upstream when the fan-out has started. */
  async #reading(topic: string): Promise<Trunk> {
    await this.#starting;
    if (this.#closing !== undefined) throw closed();
    const known = this.#trunks.has(topic);
    const trunk = this.#trunk(topic);
    if (known || !this.#reads) return trunk;
    try {
      await trunk.handle.started;
      return trunk;
    } catch (error) {
      this.#trunks.delete(topic);
      throw error;
    }
  }

  /** The shortest time of all who ask is what holds; the first who asked is told what went wrong. */
  #hasten(drain: DrainOptions): void {
    this.#open.close(drain).catch(() => {});
    if (this.#leaves) this.#router.close(drain).catch(() => {});
  }

  async #close(drain: DrainOptions): Promise<void> {
    for (const trunk of this.#trunks.values()) trunk.pause();
    try {
      await this.#open.close(drain);
    } finally {
      for (const trunk of this.#trunks.values()) trunk.end();
      this.#leaves = true;
      await this.#router.close(drain).finally(() => this.#ended.resolve());
    }
  }
}

function closed(): MillraceError {
  return new MillraceError("the fan-out is closed", { code: "CLOSED" });
}
