import { backoffMs, monotonicMs, startTimer, stopTimer, type TimerHandle } from "millrace/adapter";
import type { PartitionReader } from "./partition-reader.ts";

export interface SearchHooks {
  /** Looks up who leads now. */
  look(): Promise<void>;
  onLooked(): void;
  /** What some partitions wait for, while the others go on. */
  onBlocked(detail: string | undefined): void;
}

/** After so many failures in a row health shows it. */
const QUIET_FAILURES = 3;
const RETRY = { minDelayMs: 50, maxDelayMs: 1000 };

/** Partitions that nobody leads, or whose leader does not answer: each is looked for at growing distances, until it answers itself. */
export class LeaderSearch {
  readonly #hooks: SearchHooks;
  /** Failures in a row. */
  readonly #failures: Map<PartitionReader, number> = new Map();
  #timer: TimerHandle | undefined;
  #dueAt: number | undefined;
  #looking = false;
  #blocked = false;
  #closed = false;

  constructor(hooks: SearchHooks) {
    this.#hooks = hooks;
  }

  /** True for a partition that is not worth asking for before somebody has looked. */
  awaits(partition: PartitionReader): boolean {
    return (this.#looking || this.#dueAt !== undefined) && this.#failures.has(partition);
  }

  missing(partitions: readonly PartitionReader[]): void {
    let fewest = Number.POSITIVE_INFINITY;
    for (const partition of partitions) {
      if (this.awaits(partition)) continue;
      const failures = (this.#failures.get(partition) ?? 0) + 1;
      this.#failures.set(partition, failures);
      fewest = Math.min(fewest, failures);
    }
    if (fewest === Number.POSITIVE_INFINITY) return;
    this.#show();
    this.#lookIn(fewest === 1 ? 0 : backoffMs(fewest, RETRY));
  }

  /** Its leader has answered. */
  answered(partition: PartitionReader): void {
    if (this.#failures.size > 0 && this.#failures.delete(partition)) this.#show();
  }

  close(): void {
    this.#closed = true;
    stopTimer(this.#timer);
  }

  #lookIn(ms: number): void {
    const dueAt = monotonicMs() + ms;
    if (this.#looking || this.#closed || (this.#dueAt !== undefined && this.#dueAt <= dueAt)) return;
    stopTimer(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = startTimer(() => void this.#look(), ms);
  }

  async #look(): Promise<void> {
    this.#dueAt = undefined;
    this.#looking = true;
    for (const partition of this.#failures.keys()) if (partition.dead || partition.leaving) this.#failures.delete(partition);
    this.#show();
    await this.#hooks.look();
    this.#looking = false;
    if (!this.#closed) this.#hooks.onLooked();
  }

  #show(): void {
    const [longest] = [...this.#failures].filter(([, failures]) => failures > QUIET_FAILURES);
    if (this.#blocked === (longest !== undefined)) return;
    this.#blocked = longest !== undefined;
    this.#hooks.onBlocked(longest === undefined ? undefined : `partition ${longest[0].index} has no leader that answers`);
  }
}
