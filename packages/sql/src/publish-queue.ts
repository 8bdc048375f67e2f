import { type MaybePromise, MillraceError, PublishError, type PublishOptions, type PublishOutcome } from "millrace";
import { laterTurn, monotonicMs, startTimer, stopTimer, type TimerHandle } from "millrace/adapter";
import type { Log, NewRow } from "./dialect.ts";

export interface PublishQueueRules {
  readonly timeoutMs: number;
  /** Rows and payload bytes that may wait; beyond, a call is refused. */
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
}

interface Job {
  readonly rows: readonly NewRow[];
  readonly bytes: number;
  readonly deadline: number;
  /** Rows that are durable. */
  done: number;
  /** A transaction with this and other calls failed: it is tried by itself. */
  alone: boolean;
  resolve(): void;
  reject(error: PublishError): void;
}

/**
 * Puts the calls under way at once into one commit. One transaction a turn of the event loop, each short; a call is one transaction
 * unless it is too long for that. While the database is locked the calls wait here, each until its own time is up.
 */
export class PublishQueue {
  readonly #log: Log;
  readonly #rules: PublishQueueRules;
  readonly #jobs: Job[] = [];
  #rows = 0;
  #bytes = 0;
  #scheduled = false;
  #writing = false;
  /** In the transaction under way: what becomes of them is not known before it has answered. */
  #collected: readonly Job[] = [];
  #timer: TimerHandle | undefined;
  #idle: (() => void)[] = [];

  constructor(log: Log, rules: PublishQueueRules) {
    this.#log = log;
    this.#rules = rules;
  }

  push(rows: readonly NewRow[], options: PublishOptions): Promise<void> {
    const { signal } = options;
    let bytes = 0;
    for (const { payload, metadata } of rows) bytes += payload.length + (metadata?.length ?? 0);
    const { maxWaiting, maxWaitingBytes, timeoutMs } = this.#rules;
    if (signal?.aborted) return Promise.reject(publishError("the publish was aborted", "PUBLISH_ABORTED", rows.length, 0, "rejected", signal.reason));
    // One call alone may be of any size: it waits for nobody.
    if (this.#jobs.length > 0 && (this.#rows + rows.length > maxWaiting || this.#bytes + bytes > maxWaitingBytes)) {
      return Promise.reject(
        publishError(`${this.#rows} messages of ${this.#bytes} bytes wait to be written already`, "BUFFER_FULL", rows.length, 0, "rejected", undefined, true),
      );
    }
    return new Promise((resolve, reject) => {
      const job: Job = { rows, bytes, deadline: monotonicMs() + timeoutMs, done: 0, alone: false, resolve, reject };
      if (signal !== undefined) {
        const onAbort = (): void => this.#refuse(job, "the publish was aborted", "PUBLISH_ABORTED", signal.reason);
        signal.addEventListener("abort", onAbort, { once: true });
        job.resolve = () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        };
        job.reject = (error) => {
          signal.removeEventListener("abort", onAbort);
          reject(error);
        };
      }
      this.#jobs.push(job);
      this.#rows += rows.length;
      this.#bytes += bytes;
      this.#schedule();
    });
  }

  /** Resolves when nothing waits. */
  idle(): Promise<void> {
    return this.#isIdle ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  get #isIdle(): boolean {
    return this.#jobs.length === 0 && this.#collected.length === 0;
  }

  #schedule(): void {
    this.#timer ??= startTimer(() => this.#expire(), this.#rules.timeoutMs);
    if (this.#scheduled || this.#writing) return;
    this.#scheduled = true;
    // Not in this turn: the calls that the same turn still makes are to share the commit, and timers get their time between two.
    laterTurn(() => {
      this.#scheduled = false;
      this.#write();
    });
  }

  #write(): void {
    if (this.#writing || this.#jobs.length === 0) return;
    this.#writing = true;
    this.#collected = [];
    const collect = (): readonly (readonly NewRow[])[] => {
      this.#collected = this.#jobs[0]?.alone === true ? this.#jobs.slice(0, 1) : this.#jobs.slice(0, 1000);
      return this.#collected.map(({ rows, done }) => (done === 0 ? rows : rows.slice(done)));
    };
    let written: MaybePromise<number>;
    try {
      written = this.#log.append(collect);
    } catch (error) {
      this.#onFailure(error);
      return;
    }
    if (typeof written === "number") this.#onWritten(written);
    else
      written.then(
        (count) => this.#onWritten(count),
        (error: unknown) => this.#onFailure(error),
      );
  }

  #onWritten(count: number): void {
    let left = count;
    for (const job of this.#collected) {
      const part = Math.min(left, job.rows.length - job.done);
      job.done += part;
      left -= part;
      if (job.done === job.rows.length && this.#remove(job)) job.resolve();
      if (left === 0) break;
    }
    this.#next();
  }

  #onFailure(error: unknown): void {
    // Nothing was collected when the database could not even be opened: then it is everybody's failure, one after the other.
    const jobs = this.#collected.length > 0 ? this.#collected : this.#jobs.slice(0, 1);
    const first = jobs[0];
    if (first !== undefined && jobs.length > 1) {
      // One bad call must not cost the others theirs.
      for (const job of jobs) job.alone = true;
    } else if (first !== undefined && this.#remove(first)) {
      const cause = error as MillraceError & { readonly outcomeUnknown?: boolean };
      const outcome = cause.outcomeUnknown === true ? "unknown" : "rejected";
      first.reject(
        publishError(cause.message, MillraceError.is(cause) ? cause.code : "DATABASE_ERROR", first.rows.length, first.done, outcome, cause, cause.retryable),
      );
    }
    this.#next();
  }

  #next(): void {
    this.#writing = false;
    this.#collected = [];
    if (this.#jobs.length > 0) {
      this.#schedule();
      return;
    }
    stopTimer(this.#timer);
    this.#timer = undefined;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #expire(): void {
    this.#timer = undefined;
    const now = monotonicMs();
    const code = this.#log.busy ? "DATABASE_BUSY" : "PUBLISH_TIMEOUT";
    for (const job of this.#jobs.filter(({ deadline }) => deadline <= now)) {
      this.#refuse(job, `the messages could not be written within ${this.#rules.timeoutMs} ms`, code, undefined);
    }
    const [oldest] = this.#jobs;
    if (oldest !== undefined) this.#timer ??= startTimer(() => this.#expire(), Math.max(1, oldest.deadline - now));
  }

  /** Takes a call out. What no transaction has collected has not happened. */
  #refuse(job: Job, text: string, code: string, cause: unknown): void {
    if (!this.#remove(job)) return;
    job.reject(publishError(text, code, job.rows.length, job.done, this.#collected.includes(job) ? "unknown" : "rejected", cause, code !== "PUBLISH_ABORTED"));
    if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #remove(job: Job): boolean {
    const index = this.#jobs.indexOf(job);
    if (index === -1) return false;
    this.#jobs.splice(index, 1);
    this.#rows -= job.rows.length;
    this.#bytes -= job.bytes;
    return true;
  }
}

/** The first `confirmed` messages of the call are in the log; `outcome` is what became of the others. */
export function publishError(
  text: string,
  code: string,
  count: number,
  confirmed: number,
  outcome: PublishOutcome,
  cause: unknown,
  retryable = false,
): PublishError {
  const outcomes = Array.from({ length: count }, (_, index): PublishOutcome => (index < confirmed ? "confirmed" : outcome));
  return new PublishError(text, { code, retryable, cause, outcomes });
}
