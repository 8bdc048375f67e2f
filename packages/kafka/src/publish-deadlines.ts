import { monotonicMs, startTimer, stopTimer, type TimerHandle } from "millrace/adapter";
import type { PublishJob } from "./publish-job.ts";

/** Tells whose time is up. One timer for all calls. */
export class PublishDeadlines {
  readonly #onExpired: (job: PublishJob) => void;
  readonly #jobs: Set<PublishJob> = new Set();
  #timer: TimerHandle | undefined;

  constructor(onExpired: (job: PublishJob) => void) {
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#jobs.size;
  }

  add(job: PublishJob): void {
    this.#jobs.add(job);
    this.#timer ??= startTimer(() => this.#look(), Math.max(1, job.deadline - monotonicMs()));
  }

  remove(job: PublishJob): void {
    this.#jobs.delete(job);
    if (this.#jobs.size === 0) this.stop();
  }

  stop(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    const now = monotonicMs();
    for (const job of [...this.#jobs]) if (job.deadline <= now) this.#onExpired(job);
    let next = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#jobs) next = Math.min(next, deadline);
    if (this.#jobs.size > 0) this.#timer ??= startTimer(() => this.#look(), Math.max(1, next - now));
  }
}
