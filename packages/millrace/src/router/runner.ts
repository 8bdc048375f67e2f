import { MillraceError } from "../errors/index.ts";
import { Deadline } from "../internal/deadline.ts";
import { wallMs } from "../internal/timers.ts";
import type { DrainOptions, HandlerState, SubscriptionStatus } from "../message/index.ts";
import { statusWithJson } from "../message/status-json.ts";
import type { Desk } from "./calls/desk.ts";
import type { Feed } from "./feed.ts";
import type { HandlingMode } from "./handling/handling-mode.ts";
import type { HandlerHealth } from "./health.ts";

const DRAIN_MS = 30_000;

export interface RunnerParts {
  readonly desk: Desk;
  readonly mode: HandlingMode;
  /** One for each topic. */
  readonly feeds: readonly Feed[];
}

/** One run of a handler: the feeds of its topics, from subscribing to the last drain. */
export class Runner {
  readonly #parts: RunnerParts;
  readonly #deadline: Deadline = new Deadline();
  #stopping: Promise<void> | undefined;
  #stoppingMs: number | undefined;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Subscribes to all topics; nothing is read yet. Rejects, with nothing left open, when one of them cannot be had. */
  async open(): Promise<void> {
    const { desk, feeds } = this.#parts;
    desk.renew();
    const results = await Promise.allSettled(feeds.map((feed) => this.#openOne(feed)));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async #openOne(feed: Feed): Promise<void> {
    try {
      await feed.open();
    } catch (error) {
      await Promise.allSettled(this.#parts.feeds.map((other) => other.stop({ timeoutMs: 0 })));
      throw error;
    }
  }

  read(): void {
    for (const feed of this.#parts.feeds) feed.read();
  }

  /** Nothing begins any more: what has not begun goes back. */
  pause(): void {
    const { desk, feeds } = this.#parts;
    for (const feed of feeds) feed.pause();
    desk.handBack();
  }

  resume(): void {
    for (const feed of this.#parts.feeds) feed.resume();
  }

  /** When it began to stop, by the wall clock. */
  get stoppingMs(): number | undefined {
    return this.#stoppingMs;
  }

  /** Ends within the time given, the shortest of all who ask: waits for calls, also for those whose message has its verdict already. */
  stop({ timeoutMs = DRAIN_MS, signal }: DrainOptions): Promise<void> {
    const drain = { timeoutMs, signal };
    this.#deadline.within(timeoutMs, signal);
    this.#stoppingMs ??= wallMs();
    if (this.#stopping === undefined) this.#stopping = this.#stop(drain);
    else for (const feed of this.#parts.feeds) feed.stop(drain).catch(() => {}); // the first who asked tells
    return this.#stopping;
  }

  async #stop(drain: DrainOptions): Promise<void> {
    const { desk, mode, feeds } = this.#parts;
    using deadline = this.#deadline;
    const drained = Promise.allSettled(feeds.map((feed) => feed.stop(drain)));
    mode.end();
    desk.drain();
    const results = await drained;
    await deadline.wait(desk.calm);
    if (desk.running > 0) {
      desk.giveUp(new MillraceError("the handler stops, and its time to end is over", { code: "DRAIN_DEADLINE" }));
    }
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  health(): HandlerHealth {
    const { desk, feeds } = this.#parts;
    const { failing, lastError, lastMessageMs } = desk;
    const open = feeds.filter((feed) => !feed.finished);
    const status = together((open.length === 0 ? feeds : open).map((feed) => feed.status()));
    const up = status.state === "running" || status.state === "blocked";
    const stuck = failing.exhausted && up;
    // What fails makes a state of its own: it begins and ends with what fails, whatever the subscription was before.
    const since = stuck ? failing.sinceMs : Math.max(status.since.getTime(), up ? failing.sinceMs : 0);
    return statusWithJson({
      ...status,
      state: this.#stopping !== undefined ? "stopped" : stuck ? "failing" : status.state,
      since: new Date(this.#stoppingMs ?? since),
      lastError: status.state === "reconnecting" ? (status.lastError ?? lastError) : (lastError ?? status.lastError),
      attempts: failing.attempts,
      counts: this.#counts(),
      lastMessageAt: lastMessageMs === 0 ? undefined : new Date(lastMessageMs),
    });
  }

  #counts(): HandlerHealth["counts"] {
    const counts = { ...this.#parts.desk.counts };
    for (const feed of this.#parts.feeds) {
      counts.undecodable += feed.counts.undecodable;
      counts.reconnected += feed.counts.reconnected;
    }
    return counts;
  }

  /** Resolves when nothing of it is buffered, in flight or running; at once when it is paused. */
  async idle(signal: AbortSignal): Promise<void> {
    const { desk, feeds } = this.#parts;
    await Promise.all(feeds.map((feed) => feed.idle(signal)));
    if (this.#stopping === undefined && !feeds.every((feed) => feed.paused)) await desk.calm;
  }
}

/** The worse a state is, the earlier it stands here. */
const WORST_FIRST: readonly HandlerState[] = ["stopped", "reconnecting", "starting", "failing", "blocked", "paused", "running"];

/** Several topics as one: the worst state with its cause, everything else added up. */
function together(all: readonly SubscriptionStatus[]): SubscriptionStatus {
  if (all.length === 1) return all[0] as SubscriptionStatus;
  const [worst] = [...all].sort((one, other) => WORST_FIRST.indexOf(one.state) - WORST_FIRST.indexOf(other.state));
  const sum = (read: (status: SubscriptionStatus) => number): number => all.reduce((total, status) => total + read(status), 0);
  const oldest = all.flatMap(({ oldestAt }) => (oldestAt === undefined ? [] : [oldestAt.getTime()]));
  return {
    state: worst?.state ?? "starting",
    since: worst?.since ?? new Date(wallMs()),
    inFlight: sum(({ inFlight }) => inFlight),
    held: sum(({ held }) => held),
    lag: all.some(({ lag }) => lag === undefined) ? undefined : sum(({ lag = 0 }) => lag), // a part is not the whole
    oldestAt: oldest.length === 0 ? undefined : new Date(Math.min(...oldest)),
    detail: worst?.detail,
    lastError: worst?.lastError ?? all.find(({ lastError }) => lastError !== undefined)?.lastError,
  };
}
