import { MillraceError } from "../errors/index.ts";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import type { PubSub, Subscription } from "../message/index.ts";
import { subscriptionDoor } from "../message/subscription-door.ts";
import { OptionCheck } from "../options/index.ts";
import { Faults } from "./faults.ts";
import { HarnessPubSub, type Published } from "./harness-pubsub.ts";
import { VirtualClock } from "./virtual-clock.ts";

export interface HarnessOptions {
  /** What the clock shows at first. Default: the real time. */
  readonly start?: Date | undefined;
  /** False: as with a plain `MemoryPubSub`, what is published before its first subscription is gone. Default true. */
  readonly persistent?: boolean | undefined;
}

export interface SettledOptions {
  /** Most virtual milliseconds that may pass until then. Default 60,000. */
  readonly withinMs?: number | undefined;
}

export const HARNESS_DEFAULTS: { readonly persistent: boolean; readonly withinMs: number } = Object.freeze({ persistent: true, withinMs: 60_000 });

/** A pub/sub in memory, a clock that stands still until told otherwise, and things that go wrong on order. */
export interface Harness extends AsyncDisposable {
  readonly pubsub: PubSub;
  readonly faults: Faults;
  /** What the clock shows. */
  readonly now: Date;
  /** Lets `ms` pass: due timers run in order, and what they cause settles in between. */
  advance(ms: number): Promise<void>;
  /** Everything whose publishing was confirmed, of one topic or of all, in order. */
  published(topic?: string): readonly Published[];
  /**
   * Lets time pass until nothing is in flight, buffered or left to read in any subscription, and no published message is delayed any
   * more. Rejects with `NOT_SETTLED` when that takes longer than `withinMs`: what is due until then was delivered all the same.
   */
  settled(options?: SettledOptions): Promise<void>;
  /** Lets time pass until this promise settles, and gives its result: `await app.run(router.close())`. */
  run<T>(promise: PromiseLike<T>, options?: SettledOptions): Promise<T>;
}

/**
 * Sets up a test of an application: give its router `pubsub`, publish, `settled()`, then look at `published()`.
 *
 * Replaces the global timers, `Date` and `performance.now` until it is disposed, which also closes the pub/sub; one harness at
 * a time (`CLOCK_ACTIVE`). Retries of thirty seconds take no time.
 *
 * ```ts
 * await using app = harness({ start: new Date("2026-01-01T00:00:00Z") });
 * const router = new Router({ subscriber: app.pubsub, publisher: app.pubsub });
 * router.addHandler({ name: "double", subscribe: "in", publish: "out", handle: (m) => new Message(`${m.text()}${m.text()}`) });
 * await app.run(router.start());
 * await app.pubsub.publish("in", new Message("a"));
 * await app.settled();
 * app.published("out").map(({ message }) => message.text()); // ["aa"]
 * await app.run(router.close());
 * ```
 */
export function harness(options: HarnessOptions = {}): Harness {
  new OptionCheck("harness").known(options, { start: true, persistent: true }).flag("persistent", options.persistent).done();
  const clock = new VirtualClock(options.start).install();
  const faults = new Faults();
  const pubsub = new HarnessPubSub(new MemoryPubSub({ persistent: options.persistent ?? HARNESS_DEFAULTS.persistent, logger: silentLogger }), faults);
  return new VirtualHarness(clock, faults, pubsub);
}

class VirtualHarness implements Harness {
  readonly pubsub: HarnessPubSub;
  readonly faults: Faults;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, faults: Faults, pubsub: HarnessPubSub) {
    this.#clock = clock;
    this.faults = faults;
    this.pubsub = pubsub;
  }

  get now(): Date {
    return new Date(this.#clock.nowMs);
  }

  async advance(ms: number): Promise<void> {
    await this.#clock.advance(ms);
  }

  published(topic?: string): readonly Published[] {
    return this.pubsub.published.filter((published) => topic === undefined || published.topic === topic);
  }

  async settled(options: SettledOptions = {}): Promise<void> {
    await this.#clock.settle();
    await this.pubsub.letGo();
    const deadline = this.#clock.nowMs + limitOf("settled", options);
    // What one subscription finishes may be another's work: everything must be quiet in one and the same look.
    for (let before = -1; before !== this.pubsub.activity; ) {
      before = this.pubsub.activity;
      const quiet = Promise.all([...this.pubsub.subscriptions].map(quietOf));
      await this.#drive(quiet, deadline, () => this.#unsettled());
      await this.#clock.settle();
      if (await this.#due(deadline)) before = -1;
    }
  }

  async run<T>(promise: PromiseLike<T>, options: SettledOptions = {}): Promise<T> {
    await this.#drive(promise, this.#clock.nowMs + limitOf("run", options), () => "the promise given to run()");
    return await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.run(this.pubsub.close());
    } finally {
      this.#clock.uninstall();
    }
  }

  /** Lets time pass until no message is delayed any more; false when none is. */
  async #due(deadline: number): Promise<boolean> {
    const dueMs = this.pubsub.lastDueMs;
    if (dueMs <= this.#clock.nowMs) return false;
    await this.#clock.advance(Math.min(dueMs, deadline) - this.#clock.nowMs);
    if (dueMs <= this.#clock.nowMs) return true;
    throw new MillraceError(`a message is delayed until ${new Date(dueMs).toISOString()}`, { code: "NOT_SETTLED" });
  }

  /** Runs one timer after the other until the promise settles, whichever way. */
  async #drive(promise: PromiseLike<unknown>, deadline: number, what: () => string): Promise<void> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    promise.then(end, end);
    await this.#clock.settle();
    while (!over) {
      if (await this.#clock.next(deadline - this.#clock.nowMs)) continue;
      throw new MillraceError(`no timer that is due in time can settle ${what()}`, { code: "NOT_SETTLED" });
    }
  }

  #unsettled(): string {
    const busy = [...this.pubsub.subscriptions].map((subscription) => ({ topic: subscription.topic, ...subscription.status() }));
    return busy.map(({ topic, state, inFlight, held }) => `${topic} (${state}, ${inFlight} in flight, ${held} held)`).join(", ");
  }
}

function quietOf(subscription: Subscription): Promise<void> {
  return subscriptionDoor(subscription)?.idle() ?? Promise.resolve();
}

function limitOf(subject: string, options: SettledOptions): number {
  const check = new OptionCheck(subject).known(options, { withinMs: true });
  const { withinMs = HARNESS_DEFAULTS.withinMs } = options;
  check.duration("withinMs", withinMs).done();
  return withinMs;
}
