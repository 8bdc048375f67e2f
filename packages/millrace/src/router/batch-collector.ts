import { MillraceError } from "../errors/index.ts";
import { startTimer, stopTimer, type TimerHandle } from "../internal/timers.ts";
import type { MessageDoors } from "../message/doors.ts";
import { handedBack } from "../message/handed-back.ts";
import type { Batch, BatchHandler, ReceivedMessage } from "../message/index.ts";

/** One message waiting for its batch, and whom to tell how it went. */
export interface Enrolled {
  readonly message: ReceivedMessage;
  readonly key: string | undefined;
  succeed(): void;
  /** Returns a promise when the verdict needs time: middleware may try again, a dead letter has to be confirmed. */
  fail(error: unknown): Promise<void> | undefined;
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
  /** Their key is in a batch that runs, or a failed message of it has no verdict yet. */
  #behind: Enrolled[] = [];
  readonly #runningKeys: Set<string> = new Set();
  /** Keys with a failed message that has no verdict yet, and the id of that message. */
  readonly #judging: Map<string, string> = new Map();
  #running = 0;
  #timer: TimerHandle | undefined;
  #due = false;
  #ended = false;

  constructor(rules: CollectorRules) {
    this.#rules = rules;
  }

  enrol(entry: Enrolled): void {
    if (this.#waits(entry)) {
      this.#behind.push(entry);
      return;
    }
    if ((entry.message as MessageDoors)["millrace.overtaken"] === true) {
      void entry.fail(handedBack("an earlier message of its key failed"));
      return;
    }
    this.#gathering.push(entry);
    if (this.#gathering.length === 1) this.#waitForMore();
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
      if (this.#gathering.length > 0) this.#waitForMore();
      void this.#run(batch);
    }
  }

  #waitForMore(): void {
    this.#timer = startTimer(() => {
      this.#due = true;
      this.#go();
    }, this.#rules.maxWaitMs);
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
    this.#tell(entries, failed);
    for (const { key } of entries) if (key !== undefined) this.#runningKeys.delete(key);
    this.#running--;
    this.#goOn();
  }

  /** Its key is busy. A message that middleware tries again is not kept waiting by its own failure. */
  #waits({ key, message }: Enrolled): boolean {
    if (key === undefined) return false;
    return this.#runningKeys.has(key) || (this.#judging.size > 0 && (this.#judging.get(key) ?? message.id) !== message.id);
  }

  /** A key may have become free. */
  #goOn(): void {
    const behind = this.#behind;
    this.#behind = [];
    for (const entry of behind) this.enrol(entry);
    this.#go();
  }

  /** Of what still gathers, those whose key is busy wait. */
  #setAside(): void {
    const waits = (entry: Enrolled): boolean => this.#waits(entry);
    if (!this.#gathering.some(waits)) return;
    this.#behind = [...this.#gathering.filter(waits), ...this.#behind];
    this.#gathering = this.#gathering.filter((entry) => !waits(entry));
  }

  /** Tells each how it went. What comes after a failed one of its key goes back with it. */
  #tell(entries: readonly Enrolled[], failed: ReadonlyMap<ReceivedMessage, unknown>): void {
    const failedKeys = new Set<string>();
    for (const entry of entries) {
      const { message, key } = entry;
      if (key !== undefined && failedKeys.has(key)) {
        void entry.fail(handedBack("an earlier message of its key failed in the same batch"));
      } else if (failed.has(message)) {
        const judged = entry.fail(failed.get(message));
        if (key === undefined) continue;
        failedKeys.add(key);
        if (judged !== undefined) this.#judge(key, message.id, judged);
      } else {
        entry.succeed();
      }
    }
  }

  #judge(key: string, id: string, judged: Promise<void>): void {
    if (this.#judging.get(key) === id) return; // failed again, and is waited for already
    this.#judging.set(key, id);
    this.#setAside();
    void judged.then(() => {
      this.#judging.delete(key);
      this.#goOn();
    });
  }
}
