import type { PublishError } from "../errors/index.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { Ring } from "../internal/ring.ts";
import { startTimer, stopTimer, type TimerHandle } from "../internal/timers.ts";
import type { Batch } from "./batch.ts";
import type { MemoryTopic } from "./memory-topic.ts";

/** A full group that gives no verdict for so long is taken for stuck: perhaps its handler publishes to this very topic. */
const STUCK_MS = 50;
/** At this many times the bound nothing more is let in. */
export const OVERFLOW = 16;

interface Waiting {
  readonly batch: Batch;
  readonly done: Deferred<void>;
}

/** Publishers that wait for room in one topic, first come first served. */
export class PublishQueue {
  readonly #topic: MemoryTopic;
  readonly #bound: number;
  readonly #waiting: Ring<Waiting> = new Ring();
  #timer: TimerHandle | undefined;
  #verdicts = 0;
  #overflowing = false;

  constructor(topic: MemoryTopic, bound: number) {
    this.#topic = topic;
    this.#bound = bound;
  }

  /** True when a publish has to queue. */
  get busy(): boolean {
    return this.#waiting.size > 0 || this.#topic.load >= this.#bound;
  }

  /** True when that many more can be put at once. */
  fits(count: number): boolean {
    return this.#bound === Infinity || (this.#waiting.size === 0 && (this.#topic.groups.length === 0 || this.#topic.load + count <= this.#bound));
  }

  /** The signal has not aborted yet. */
  wait(batch: Batch, signal: AbortSignal | undefined): Promise<void> {
    const entry: Waiting = { batch, done: deferred() };
    const onAbort = (): void => {
      const others = [...this.#waiting].filter((other) => other !== entry);
      this.#waiting.clear();
      for (const other of others) this.#waiting.push(other);
      entry.done.reject(batch.refusal("PUBLISH_ABORTED", "the publish was aborted while it waited for room", signal?.reason));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#waiting.push(entry);
    this.#moveOn(this.#bound);
    return entry.done.promise.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  /** A verdict was given. */
  moveOn(): void {
    if (this.#overflowing && this.#topic.load < this.#bound) this.#mark(false);
    // Let publishers in again at half of the bound, in bursts: waking one for each verdict costs more than it brings.
    if (this.#waiting.size > 0 && this.#topic.load * 2 <= this.#bound) this.#moveOn(this.#bound);
  }

  /** Everybody who waits is told that the pub/sub has closed. */
  close(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
    for (let entry = this.#waiting.shift(); entry !== undefined; entry = this.#waiting.shift()) {
      entry.done.reject(entry.batch.refusal("CLOSED", "the pub/sub closed while the publish waited for room"));
    }
  }

  #moveOn(bound: number): void {
    for (let entry = this.#waiting.peek(); entry !== undefined; entry = this.#waiting.peek()) {
      if (!this.#put(entry, bound)) {
        this.#watch();
        return;
      }
      this.#waiting.shift();
    }
    stopTimer(this.#timer);
    this.#timer = undefined;
  }

  /** Puts what there is room for. True when the publish has ended, well or not. */
  #put({ batch, done }: Waiting, bound: number): boolean {
    while (batch.next < batch.size) {
      if (this.#topic.load >= bound) return false;
      if (!this.#topic.accept(batch.current())) {
        done.reject(tooManyDelayed(batch, this.#topic.name));
        return true;
      }
      batch.next++;
    }
    done.resolve();
    return true;
  }

  /** Looks again in a while whether the full groups have given a verdict meanwhile. */
  #watch(): void {
    if (this.#timer !== undefined) return;
    this.#verdicts = this.#verdictsSoFar();
    this.#timer = startTimer(() => this.#onTimer(), STUCK_MS);
  }

  #verdictsSoFar(): number {
    let verdicts = 0;
    for (const group of this.#topic.groups) if (group.load >= this.#bound) verdicts += group.verdicts;
    return verdicts;
  }

  #onTimer(): void {
    this.#timer = undefined;
    if (this.#waiting.size === 0) return;
    if (this.#verdictsSoFar() !== this.#verdicts || this.#topic.load < this.#bound) {
      this.#moveOn(this.#bound);
      return;
    }
    this.#mark(true);
    this.#moveOn(this.#bound * OVERFLOW);
    for (let entry = this.#waiting.shift(); entry !== undefined; entry = this.#waiting.shift()) {
      const text = `topic ${JSON.stringify(this.#topic.name)} holds ${this.#topic.load} messages, ${OVERFLOW} times its bound of ${this.#bound}, and its reader gives no verdict`;
      entry.done.reject(entry.batch.refusal("BUFFER_FULL", text));
    }
  }

  #mark(overflowing: boolean): void {
    this.#overflowing = overflowing;
    for (const group of this.#topic.groups) {
      const over = overflowing && group.load >= this.#bound;
      for (const { intake } of group.members)
        intake.blocked(over ? `the buffer is over its bound of ${this.#bound}: publishers do not wait any more` : undefined);
    }
  }
}

export function tooManyDelayed(batch: Batch, topic: string): PublishError {
  const text = `topic ${JSON.stringify(topic)} holds back ${OVERFLOW} times its bound of messages that are not due yet`;
  return batch.refusal("BUFFER_FULL", text);
}
