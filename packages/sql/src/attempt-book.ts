import { wallMs } from "millrace/adapter";
import type { SqlReceipt } from "./claim.ts";
import type { Kept } from "./exchange.ts";

/** What the database is to remember of failed and returned messages, or to forget, by offset; the newest for each. */
export class AttemptBook {
  #attempts: Map<number, Kept> = new Map();

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

  /** Hands over what was noted so far. */
  take(): ReadonlyMap<number, Kept> {
    const taken = this.#attempts;
    this.#attempts = new Map();
    return taken;
  }

  /** They could not be written: they stay noted, where nothing newer is. */
  putBack(attempts: ReadonlyMap<number, Kept>): void {
    for (const [offset, kept] of attempts) if (!this.#attempts.has(offset)) this.#attempts.set(offset, kept);
  }
}
