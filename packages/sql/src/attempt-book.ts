import { wallMs } from "millrace/adapter";
import type { SqlReceipt } from "./claim.ts";
import type { Kept } from "./exchange.ts";

/** What the database is to remember of failed and returned messages, or to forget, by offset; the newest for each. */
export class AttemptBook {
  readonly #attempts: Map<number, Kept> = new Map();

  get size(): number {
    return this.#attempts.size;
  }

  /** The number of the next attempt, 0 to forget it, and when it is due: see `Kept`. */
  note(receipt: SqlReceipt, attempt: number, dueMs = 0): void {
    receipt.kept = attempt;
    this.#attempts.set(receipt.offset, { attempt, dueMs });
  }

  /** It was given back, and is due in so many milliseconds. */
  noteReturn(receipt: SqlReceipt, attempt: number, dueInMs: number): void {
    if (dueInMs > 0) this.note(receipt, Math.max(attempt, receipt.kept), Math.ceil(wallMs() + dueInMs));
    else if (attempt > Math.max(1, receipt.kept)) this.note(receipt, attempt);
  }

  /** What is noted so far, as it is now. */
  noted(): ReadonlyMap<number, Kept> {
    return new Map(this.#attempts);
  }

  /** The database remembers them: they are noted no longer, where nothing newer is. */
  written(attempts: ReadonlyMap<number, Kept>): void {
    for (const [offset, kept] of attempts) if (this.#attempts.get(offset) === kept) this.#attempts.delete(offset);
  }
}
