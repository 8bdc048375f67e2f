import type { SqlReceipt } from "./claim.ts";

/** Numbers of attempts that the database is to remember, or with 0 to forget, by offset; the newest for each. */
export class AttemptBook {
  #attempts: Map<number, number> = new Map();

  get size(): number {
    return this.#attempts.size;
  }

  note(receipt: SqlReceipt, attempt: number): void {
    receipt.kept = attempt;
    this.#attempts.set(receipt.offset, attempt);
  }

  /** Hands over what was noted so far. */
  take(): ReadonlyMap<number, number> {
    const taken = this.#attempts;
    this.#attempts = new Map();
    return taken;
  }

  /** They could not be written: they stay noted, where nothing newer is. */
  putBack(attempts: ReadonlyMap<number, number>): void {
    for (const [offset, attempt] of attempts) if (!this.#attempts.has(offset)) this.#attempts.set(offset, attempt);
  }
}
