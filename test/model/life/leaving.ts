import type { GroupBook } from "../ledger/group-book.ts";
import type { World } from "../run/world.ts";

export interface LeavingParts {
  readonly world: World;
  readonly what: string;
  readonly member: number;
  readonly books: readonly GroupBook[];
  readonly timeoutMs: number;
  /** Beyond its time it may take this long. */
  readonly graceMs: number;
  /** When nobody is at work it may take this long. */
  readonly promptMs: number;
}

/** A close or a stop under way, from when it was called until it has ended. */
export class Leaving {
  /** It has ended. */
  over = false;
  readonly #parts: LeavingParts;
  readonly #began: number;

  constructor(parts: LeavingParts) {
    this.#parts = parts;
    this.#began = parts.world.ledger.now;
    for (const book of parts.books) {
      book.gaveBackAt = this.#began;
      const member = book.members[parts.member];
      if (member !== undefined) member.deadline = this.#began + parts.timeoutMs;
    }
  }

  get longestMs(): number {
    return this.#parts.timeoutMs + this.#parts.graceMs;
  }

  /** Who called it goes on. */
  answer(): void {
    const { world, what, member, books, promptMs } = this.#parts;
    const { ledger } = world;
    const waited = ledger.now - Math.max(this.#began, ledger.busyUntil);
    const atOnce = books.some((book) => [...(book.members[member]?.running ?? [])].some((call) => call.ending === "at once"));
    if (atOnce && waited > promptMs) ledger.complain("endInside", `${what} waited ${Math.round(waited)} ms for the call that called it`);
  }

  end(): void {
    const { world, what, member, books, timeoutMs, promptMs } = this.#parts;
    const { ledger } = world;
    this.over = true;
    const took = ledger.now - this.#began;
    ledger.note(`${what} has ended`);
    if (took > this.longestMs) ledger.complain("endLate", `${what} with ${timeoutMs} ms took ${Math.round(took)}`);
    const idle = ledger.now - Math.max(this.#began, ledger.busyUntil);
    const inside = books.some((book) => [...(book.members[member]?.running ?? [])].some((call) => call.ending !== undefined));
    if (idle > promptMs && !inside) ledger.complain("endSlow", `${what} ended ${Math.round(idle)} ms after the last work`);
    for (const book of books) book.onEnd(member, this.#began, timeoutMs);
    if (took >= timeoutMs - 1) for (const relay of ledger.relays.values()) relay.mayRepeat = true;
  }

  hang(): void {
    this.#parts.world.ledger.complain("endLate", `${this.#parts.what} with ${this.#parts.timeoutMs} ms does not end`);
  }
}
