import { backoffMs, type Intake, startTimer, stopTimer, type TimerHandle } from "millrace/adapter";
import type { SqlReceipt } from "./claim.ts";
import type { StoredRow } from "./dialect.ts";
import type { Hindrance } from "./hindrance.ts";

const AGAIN = { minDelayMs: 100, maxDelayMs: 30_000 };
const EMPTY = new Uint8Array(0);

/** Beyond so many that nobody has recorded yet, each takes the place of a message. */
const MOST = 1000;

export interface UndecodableHooks {
  /** It takes the place of no message: another one may be fetched. */
  onPassed(): void;
  onSteppedOver(receipt: SqlReceipt): void;
}

export interface UndecodableRow {
  readonly row: StoredRow;
  readonly receipt: SqlReceipt;
  readonly error: unknown;
}

/**
 * Rows that cannot be decoded. Each is told as such, and settled once that is recorded; a dead letter that fails is tried again
 * with backoff, for as long as the session lasts, and until then the row holds its place. The others go on.
 */
export class UndecodableRows {
  readonly #intake: Intake<SqlReceipt>;
  readonly #hindrance: Hindrance;
  readonly #hooks: UndecodableHooks;
  readonly #open: Set<UndecodableRow> = new Set();
  readonly #failing: Map<UndecodableRow, TimerHandle> = new Map();
  #inPlace = 0;
  #closed = false;

  constructor(intake: Intake<SqlReceipt>, hindrance: Hindrance, hooks: UndecodableHooks) {
    this.#intake = intake;
    this.#hindrance = hindrance;
    this.#hooks = hooks;
  }

  put(undecodable: UndecodableRow): void {
    this.#open.add(undecodable);
    if (this.#open.size > MOST) this.#inPlace++;
    else this.#hooks.onPassed();
    this.#try(undecodable, 1);
  }

  /** Answers those that nobody has recorded yet. */
  close(): readonly UndecodableRow[] {
    this.#closed = true;
    for (const timer of this.#failing.values()) stopTimer(timer);
    return [...this.#open];
  }

  #try(undecodable: UndecodableRow, attempt: number): void {
    const { row, receipt, error } = undecodable;
    // Given back or lost meanwhile: it is another's affair.
    if (receipt.state !== "held") {
      this.#forget(undecodable);
      return;
    }
    this.#intake.undecodable({ position: String(row[0]), payload: row[3] ?? EMPTY, error }).then(
      () => {
        this.#forget(undecodable);
        if (!this.#closed) this.#hooks.onSteppedOver(receipt);
      },
      (failure: unknown) => this.#tryAgain(undecodable, attempt, failure),
    );
  }

  #tryAgain(undecodable: UndecodableRow, attempt: number, failure: unknown): void {
    if (this.#closed) return;
    const delayMs = backoffMs(attempt, AGAIN);
    this.#failing.set(
      undecodable,
      startTimer(() => this.#try(undecodable, attempt + 1), delayMs),
    );
    const text = failure instanceof Error ? failure.message : String(failure);
    this.#hindrance.row(`offset ${undecodable.row[0]} cannot be decoded, and its dead letter has failed ${attempt} times: ${text}`);
  }

  #forget(undecodable: UndecodableRow): void {
    this.#open.delete(undecodable);
    if (this.#inPlace > 0 && !this.#closed) {
      this.#inPlace--;
      this.#hooks.onPassed();
    }
    if (this.#failing.delete(undecodable) && this.#failing.size === 0) this.#hindrance.row(undefined);
  }
}
