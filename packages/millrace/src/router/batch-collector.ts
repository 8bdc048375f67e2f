import { MillraceError } from "../errors/index.ts";
import { startTimer, stopTimer, type TimerHandle } from "../internal/timers.ts";
import { handedBack } from "../message/handed-back.ts";
import type { Batch, BatchHandler, ReceivedMessage } from "../message/index.ts";

/** One message waiting for its batch, and whom to tell how it went. */
export interface Enrolled {
  readonly message: ReceivedMessage;
  readonly key: string | undefined;
  succeed(): void;
  fail(error: unknown): void;
}

export interface CollectorRules {
  readonly name: string;
  readonly size: number;
  readonly maxWaitMs: number;
  readonly concurrency: number;
  readonly handle: BatchHandler;
}

/** Gathers messages into batches and runs them, `concurrency` at a time; of one key never two batches at once. */
export class BatchCollector {
  readonly #rules: CollectorRules;
  #gathering: Enrolled[] = [];
  /** Their key is in a batch that runs. */
  #behind: Enrolled[] = [];
  readonly #runningKeys: Set<string> = new Set();
  #running = 0;
  #timer: TimerHandle | undefined;
  #due = false;
  #ended = false;

  constructor(rules: CollectorRules) {
    this.#rules = rules;
  }

  enrol(entry: Enrolled): void {
    if (entry.key !== undefined && this.#runningKeys.has(entry.key)) {
      this.#behind.push(entry);
      return;
    }
    this.#gathering.push(entry);
    if (this.#gathering.length === 1) {
      this.#timer = startTimer(() => {
        this.#due = true;
        this.#go();
      }, this.#rules.maxWaitMs);
    }
    this.#go();
  }

  /** Nothing more will come: what has gathered runs now. */
  end(): void {
    this.#ended = true;
    this.#go();
  }

  #go(): void {
    while (this.#running < this.#rules.concurrency && this.#gathering.length >= (this.#due || this.#ended ? 1 : this.#rules.size)) {
      const batch = this.#gathering.splice(0, this.#rules.size);
      this.#due = false;
      stopTimer(this.#timer);
      for (const { key } of batch) if (key !== undefined) this.#runningKeys.add(key);
      this.#setAside();
      if (this.#gathering.length > 0) {
        this.#timer = startTimer(() => {
          this.#due = true;
          this.#go();
        }, this.#rules.maxWaitMs);
      }
      void this.#run(batch);
    }
  }

  async #run(entries: readonly Enrolled[]): Promise<void> {
    this.#running++;
    const failed = new Map<ReceivedMessage, unknown>();
    const known = new Set(entries.map(({ message }) => message));
    const batch: Batch = {
      fail: (message, error) => {
        if (!known.has(message))
          throw new MillraceError(`handler ${JSON.stringify(this.#rules.name)} failed a message that is not of its batch`, { code: "NOT_IN_BATCH" });
        if (!failed.has(message)) failed.set(message, error);
      },
    };
    try {
      await this.#rules.handle([...known], batch);
    } catch (error) {
      for (const message of known) if (!failed.has(message)) failed.set(message, error);
    }
    const failedKeys = this.#tell(entries, failed);
    for (const { key } of entries) if (key !== undefined) this.#runningKeys.delete(key);
    this.#running--;
    const behind = this.#behind;
    this.#behind = [];
    for (const entry of behind) {
      if (entry.key !== undefined && failedKeys.has(entry.key)) entry.fail(handedBack("an earlier message of its key failed"));
      else this.enrol(entry);
    }
    this.#go();
  }

  /** Of what still gathers, those whose key is in a batch that runs wait for its end. */
  #setAside(): void {
    const runs = ({ key }: Enrolled): boolean => key !== undefined && this.#runningKeys.has(key);
    if (!this.#gathering.some(runs)) return;
    this.#behind = [...this.#gathering.filter(runs), ...this.#behind];
    this.#gathering = this.#gathering.filter((entry) => !runs(entry));
  }

  /** Tells each how it went; answers with the keys that failed. */
  #tell(entries: readonly Enrolled[], failed: ReadonlyMap<ReceivedMessage, unknown>): ReadonlySet<string> {
    const failedKeys = new Set<string>();
    for (const entry of entries) {
      const { message, key } = entry;
      if (key !== undefined && failedKeys.has(key)) {
        entry.fail(handedBack("an earlier message of its key failed in the same batch"));
      } else if (failed.has(message)) {
        if (key !== undefined) failedKeys.add(key);
        entry.fail(failed.get(message));
      } else {
        entry.succeed();
      }
    }
    return failedKeys;
  }
}
