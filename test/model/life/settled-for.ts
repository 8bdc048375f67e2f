import type { World } from "../run/world.ts";
import type { Unit } from "./unit.ts";

/** Nothing is left for the handlers of this unit that are not paused or stopped, nothing runs, and nothing is being published. */
export function settledFor({ ledger }: World, unit: Unit): boolean {
  if (ledger.busy) return false;
  for (const book of ledger.books.values()) {
    if ((book.members[unit.member]?.running.size ?? 0) > 0) return false;
    if (unit.paused.has(book.name) || unit.stopped.has(book.name)) continue;
    for (const track of book.tracks.values()) if (!track.settled || track.handlings.some(({ endedAt }) => endedAt === undefined)) return false;
  }
  for (const relay of ledger.relays.values()) for (const { done } of relay.passed.values()) if (!done) return false;
  return true;
}
