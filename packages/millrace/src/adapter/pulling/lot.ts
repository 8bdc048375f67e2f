import type { PullEntry } from "./pull-target.ts";

/** Entries that came together: until a moment of the monotonic clock nobody else can have them. */
export class Lot {
  untilMs: number;
  /** Those that are still ours. */
  open: number;
  #entries: readonly PullEntry[];

  constructor(entries: readonly PullEntry[], untilMs: number) {
    this.#entries = entries;
    this.open = entries.length;
    this.untilMs = untilMs;
    for (const entry of entries) entry.lot = this;
  }

  /** Answers whether the lot is empty now. */
  drop(entry: PullEntry): boolean {
    entry.lot = undefined;
    this.open--;
    return this.open === 0;
  }

  /** Those that are still ours. */
  ours(): readonly PullEntry[] {
    if (this.open < this.#entries.length) this.#entries = this.#entries.filter(({ lot }) => lot === this);
    return this.#entries;
  }
}
