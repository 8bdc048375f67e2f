import { backoffMs } from "../../internal/backoff.ts";
import { startTimer, stopTimer, type TimerHandle } from "../../internal/timers.ts";

export interface UndecodableHooks<Entry> {
  /** Tells of it: see `Intake.undecodable`. */
  tell(entry: Entry, error: unknown, again: boolean): Promise<boolean>;
  /** False when it was given back or lost meanwhile: then it is another's affair. */
  isOurs(entry: Entry): boolean;
  /** It may be stepped over: the dead letter has it (`taken`), or there is none. */
  onPassed(entry: Entry, taken: boolean): void;
  /** Nobody has to do anything about it any more. */
  onGone(): void;
  /** A dead letter fails; `undefined` when none does any more. */
  onTrouble(detail: string | undefined): void;
  positionOf(entry: Entry): string;
}

const DEAD_LETTER_AGAIN = { minDelayMs: 100, maxDelayMs: 30_000 };

/**
 * Entries that cannot be decoded. Each is told as such, and stepped over once that is recorded; a dead letter that fails is tried again with
 * backoff, and until it has succeeded its entry holds its place. The others go on.
 */
export class Undecodables<Entry> {
  readonly #hooks: UndecodableHooks<Entry>;
  readonly #open: Set<Entry> = new Set();
  readonly #failing: Map<Entry, TimerHandle> = new Map();
  #stopped = false;

  constructor(hooks: UndecodableHooks<Entry>) {
    this.#hooks = hooks;
  }

  /** Of how many nobody has a record yet. */
  get size(): number {
    return this.#open.size;
  }

  put(entry: Entry, error: unknown): void {
    this.#open.add(entry);
    this.#try(entry, error, 1);
  }

  /** Answers those that nobody has a record of yet. */
  stop(): readonly Entry[] {
    this.#stopped = true;
    for (const timer of this.#failing.values()) stopTimer(timer);
    return [...this.#open];
  }

  #try(entry: Entry, error: unknown, attempt: number): void {
    if (!this.#hooks.isOurs(entry)) {
      this.#forget(entry);
      return;
    }
    this.#hooks.tell(entry, error, attempt > 1).then(
      (taken) => {
        if (this.#stopped) return;
        this.#hooks.onPassed(entry, taken);
        this.#forget(entry);
      },
      (failure: unknown) => this.#tryAgain(entry, error, attempt, failure),
    );
  }

  #tryAgain(entry: Entry, error: unknown, attempt: number, failure: unknown): void {
    if (this.#stopped) return;
    this.#failing.set(
      entry,
      startTimer(() => this.#try(entry, error, attempt + 1), backoffMs(attempt, DEAD_LETTER_AGAIN)),
    );
    const text = failure instanceof Error ? failure.message : String(failure);
    this.#hooks.onTrouble(`position ${this.#hooks.positionOf(entry)} cannot be decoded, and its dead letter has failed ${attempt} times: ${text}`);
  }

  #forget(entry: Entry): void {
    this.#open.delete(entry);
    if (this.#failing.delete(entry) && this.#failing.size === 0) this.#hooks.onTrouble(undefined);
    this.#hooks.onGone();
  }
}
