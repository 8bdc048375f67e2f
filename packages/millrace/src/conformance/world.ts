import { MillraceError } from "../errors/index.ts";
import { monotonicMs, startTimer, stopTimer } from "../internal/timers.ts";
import { uuidV7 } from "../internal/uuid-v7.ts";
import { type BrokerAdmin, type Capabilities, Message, type PubSub, type SubscribeOptions, type Subscription } from "../message/index.ts";
import { Bell } from "./bell.ts";
import type { ConformanceLimits, ConformanceSetup } from "./conformance-setup.ts";
import { Probe, type ProbeOptions } from "./probe.ts";
import { starvedMs } from "./starvation.ts";
import { WorkerProcess, type WorkerTask } from "./worker-process.ts";

/** A busy machine may need long to start a process; that says nothing about the adapter. */
const START_MS = 60_000;
const LOOK_AGAIN_MS = 10;
const PROMPT_MS = 1_000;

export interface WatchOptions extends SubscribeOptions, Pick<ProbeOptions, "decide" | "strict"> {
  readonly topic?: string | undefined;
}

/** Everything that one run of one scenario has for itself: fresh topic, fresh group, and all that is to be cleaned up. */
export class World {
  readonly setup: ConformanceSetup;
  readonly capabilities: Capabilities;
  readonly limits: ConformanceLimits;
  readonly bell: Bell = new Bell();
  readonly patienceMs: number;
  /** How many times as long as usual everything may take. */
  readonly pace: number;
  /** True where verdicts cannot become durable, because the scenario took the broker away: their `SettleError` is what is promised. */
  unsettled = false;
  readonly #id = uuidV7().replaceAll("-", "").slice(6);
  readonly #cleaning: (() => PromiseLike<void>)[] = [];
  #single: Promise<PubSub> | undefined;

  /** `pace`: how many times as long as usual everything may take, because others share the machine. */
  constructor(setup: ConformanceSetup, pace = 1) {
    this.setup = setup;
    this.pace = pace;
    this.capabilities = setup.capabilities;
    this.limits = setup.limits ?? {};
    this.patienceMs = (this.limits.patienceMs ?? 15_000) * pace;
  }

  /** This run's own topic. */
  get topic(): string {
    return this.topicNamed("t");
  }

  topicNamed(suffix: string): string {
    const id = `${suffix}-${this.#id}`;
    return this.setup.topicName?.(id) ?? id;
  }

  /** This run's own group; none where the adapter has no groups. */
  get group(): string | undefined {
    return this.groupNamed("g");
  }

  groupNamed(suffix: string): string | undefined {
    return this.capabilities.consumerGroups ? `${suffix}-${this.#id}` : undefined;
  }

  /** A new instance on the same broker; the one instance of this run where the setup says `singleInstance`. */
  async open(): Promise<PubSub> {
    if (this.setup.singleInstance !== true) return this.own(await this.setup.create());
    this.#single ??= Promise.resolve(this.setup.create()).then((pubsub) => this.own(pubsub));
    return await this.#single;
  }

  /** Has this pub/sub closed at the end. */
  own(pubsub: PubSub): PubSub {
    this.cleanUpWith(() => pubsub.close());
    return pubsub;
  }

  cleanUpWith(clean: () => PromiseLike<void>): void {
    this.#cleaning.push(clean);
  }

  /** Makes sure that what is published from now on reaches the group, also when it subscribes later. */
  async prepare(pubsub: PubSub, group: string | undefined = this.group, topic: string = this.topic): Promise<void> {
    if (pubsub.provision !== undefined) {
      await pubsub.provision(topic, { group });
      return;
    }
    const subscription = await pubsub.subscribe(topic, { group });
    await subscription[Symbol.asyncDispose]();
  }

  /** Subscribes in this run's group, unless `group` says otherwise; given back at the end, whatever happened. */
  async subscribe(pubsub: PubSub, options: SubscribeOptions & { readonly topic?: string | undefined } = {}): Promise<Subscription> {
    const { topic = this.topic, ...rest } = options;
    const subscription = await pubsub.subscribe(topic, "group" in rest ? rest : { ...rest, group: this.group });
    this.cleanUpWith(async () => {
      try {
        await subscription[Symbol.asyncDispose]();
      } catch (error) {
        if (!this.unsettled || !MillraceError.is(error)) throw error;
      }
    });
    return subscription;
  }

  /** Subscribes and reads with a probe. */
  async watch(pubsub: PubSub, options: WatchOptions = {}): Promise<Probe> {
    const { decide, strict, ...rest } = options;
    return this.probe(await this.subscribe(pubsub, rest), { decide, strict });
  }

  probe(subscription: Subscription, options: ProbeOptions = {}): Probe {
    return new Probe(subscription, { patienceMs: this.patienceMs, ...options, bell: this.bell });
  }

  /** Starts a second process with this task; killed at the end. */
  async worker(task: Omit<WorkerTask, "topic" | "group"> & Partial<Pick<WorkerTask, "topic" | "group">> = {}): Promise<WorkerProcess> {
    const command = this.setup.faults?.worker;
    if (command === undefined) throw new Error("the setup names no worker program");
    const worker = new WorkerProcess(command, { topic: this.topic, group: this.group, ...task }, this.bell);
    this.cleanUpWith(() => worker.kill());
    await this.until(() => worker.ready, "the worker has subscribed", Math.max(this.patienceMs, START_MS));
    return worker;
  }

  until(predicate: () => boolean, what: string, timeoutMs: number = this.patienceMs): Promise<void> {
    return this.bell.until(predicate, what, timeoutMs);
  }

  /**
   * As `until`, for what may take no longer than a moment: `limits.promptMs`. It fails when it comes, late; time in which this process got no
   * processor is not counted.
   */
  async promptly(predicate: () => boolean, what: string): Promise<void> {
    const [began, starved] = [monotonicMs(), starvedMs()];
    await this.until(predicate, what);
    const took = monotonicMs() - began - 2 * (starvedMs() - starved);
    const most = (this.limits.promptMs ?? PROMPT_MS) * this.pace;
    if (took > most) throw new Error(`it took ${took.toFixed(0)} ms until ${what}, of ${most} ms allowed${this.bell.state}`);
  }

  /** As `until`, for what rings no bell: the condition is looked at again and again. */
  async eventually(predicate: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
    const deadline = monotonicMs() + this.patienceMs;
    while (!(await predicate())) {
      if (monotonicMs() > deadline) throw new Error(`waited ${this.patienceMs} ms in vain: ${what()}${this.bell.state}`);
      await this.quiet(LOOK_AGAIN_MS);
    }
  }

  /** The question of this pub/sub's `admin`, which the setup says it answers. */
  ask<Question extends keyof BrokerAdmin>(pubsub: PubSub, question: Question): NonNullable<BrokerAdmin[Question]> {
    const { admin } = pubsub;
    const asked = admin?.[question];
    if (admin === undefined || asked === undefined) throw new Error(`admin does not answer ${question}, though the setup says so`);
    return asked.bind(admin) as NonNullable<BrokerAdmin[Question]>;
  }

  /** The promise, or a failure when it takes longer than this run's patience. */
  async within<T>(promise: PromiseLike<T>, what: string, timeoutMs: number = this.patienceMs): Promise<T> {
    let timer: ReturnType<typeof startTimer> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = startTimer(() => reject(new Error(`${what} took longer than ${timeoutMs} ms${this.bell.state}`)), timeoutMs);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      stopTimer(timer);
    }
  }

  /**
   * A quiet window, for proving that nothing comes where no marker can: a message that is held back at one in flight.
   * It can only make a broken adapter look right, never a right one look broken.
   */
  quiet(windowMs: number = 50): Promise<void> {
    return new Promise((resolve) => startTimer(resolve, windowMs));
  }

  /** `count` messages, payload = decimal index, each with an id of its own. */
  numbered(count: number, options: { readonly key?: (index: number) => string; readonly from?: number } = {}): Message[] {
    return Array.from({ length: count }, (_, place) => {
      const index = place + (options.from ?? 0);
      return new Message(String(index), { metadata: { test: String(index) }, key: options.key?.(index) });
    });
  }

  /** Undoes everything, last made first; the first thing that fails is thrown when all is done. */
  async cleanUp(): Promise<void> {
    const failures: unknown[] = [];
    for (const clean of this.#cleaning.reverse()) {
      try {
        // Longer than the thirty seconds that draining may take, unless this run is an impatient one.
        await this.within(clean(), "cleaning up", Math.min(40_000, this.patienceMs * 3));
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

export function idsOf(messages: Iterable<{ readonly id: string }>): string[] {
  return Array.from(messages, (message) => message.id);
}
