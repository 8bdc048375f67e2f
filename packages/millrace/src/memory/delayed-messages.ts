import { sliceSpent } from "../internal/slice.ts";
import { laterTurn, startTimer, stopTimer, type TimerHandle, wallMs } from "../internal/timers.ts";
import { type Due, DueHeap } from "./due-heap.ts";
import type { Stored } from "./stored.ts";

interface Delayed extends Due {
  readonly topic: string;
  readonly entry: Stored;
}

/**
 * Messages that are not due yet, of all topics of a pub/sub: one heap, and one timer for the earliest. They enter their topics when
 * they are due, in the order of their times.
 */
export class DelayedMessages {
  readonly #enter: (topic: string, entry: Stored) => void;
  readonly #bound: number;
  readonly #heap: DueHeap<Delayed> = new DueHeap();
  readonly #counts: Map<string, number> = new Map();
  #turn = 0;
  #timer: TimerHandle | undefined;
  #timerMs = Infinity;
  #entering = false;
  #closed = false;

  /** `bound`: most that are held of one topic. */
  constructor(enter: (topic: string, entry: Stored) => void, bound: number) {
    this.#enter = enter;
    this.#bound = bound;
  }

  /** False when too many of that topic wait already. */
  hold(topic: string, entry: Stored, dueMs: number): boolean {
    const count = this.#counts.get(topic) ?? 0;
    if (count >= this.#bound) return false;
    this.#counts.set(topic, count + 1);
    this.#heap.push({ topic, entry, dueMs, turn: this.#turn++ });
    if (dueMs < this.#timerMs && !this.#entering) this.#wait(dueMs);
    return true;
  }

  /** Nothing enters any more. Answers with how many of each topic never will. */
  close(): ReadonlyMap<string, number> {
    this.#closed = true;
    stopTimer(this.#timer);
    this.#heap.clear();
    return this.#counts;
  }

  #wait(dueMs: number): void {
    stopTimer(this.#timer);
    this.#timerMs = dueMs;
    const leftMs = dueMs - wallMs();
    // The time of day can be set, and stands still for no machine that sleeps: looking again after a hundredth of the time that is
    // left, or a second, keeps what is late by that within bounds.
    const waitMs = Math.min(leftMs, Math.max(leftMs / 100, 1000));
    this.#timer = startTimer(() => this.#onTimer(), Math.max(0, Math.ceil(waitMs)));
  }

  #onTimer(): void {
    this.#entering = true;
    this.#timerMs = Infinity;
    for (let first = this.#heap.peek(); first !== undefined && !this.#closed; first = this.#heap.peek()) {
      if (first.dueMs > wallMs()) break;
      if (sliceSpent()) {
        laterTurn(() => this.#onTimer());
        return;
      }
      this.#heap.pop();
      this.#release(first);
    }
    this.#entering = false;
    const next = this.#heap.peek();
    if (next !== undefined && !this.#closed) this.#wait(next.dueMs);
  }

  #release({ topic, entry }: Delayed): void {
    const left = (this.#counts.get(topic) as number) - 1;
    if (left === 0) this.#counts.delete(topic);
    else this.#counts.set(topic, left);
    this.#enter(topic, entry);
  }
}
