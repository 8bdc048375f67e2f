import type { GroupBook } from "../ledger/group-book.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Track } from "../ledger/records.ts";

/** Of the results of every handler: none was dropped, and the last ones of a lane are in its order. */
export function checkOutputs(ledger: Ledger): void {
  for (const book of ledger.books.values()) {
    if (!book.producing) continue;
    for (const track of book.tracks.values()) checkSent(ledger, book, track);
    for (const lane of book.lanes.values()) checkLane(ledger, book, lane);
  }
}

/** A message that was acked before its handler ended does not come again: its results are published then or never. */
function checkSent(ledger: Ledger, book: GroupBook, track: Track): void {
  for (const { acked, calls, lostAt = Infinity, threw, endedAt, produced } of track.handlings) {
    if (calls.some((call) => call.nacked.has(track))) continue; // who nacks wants nothing to be published
    if (!acked || threw || endedAt === undefined || lostAt < endedAt) continue;
    const dropped = produced.find((text) => !ledger.wasAttempted(text) && !ledger.isConfirmed(text));
    if (dropped !== undefined) ledger.complain("outputDropped", `${book.name} made ${dropped} of ${track.text}, which was acked, and it was never published`);
  }
}

function checkLane(ledger: Ledger, book: GroupBook, lane: readonly Track[]): void {
  let last = -1;
  let before = "";
  for (const track of lane) {
    const made = new Set(track.calls.flatMap((call) => call.made));
    const place = ledger.outputs.findLastIndex((text) => made.has(text));
    // What its handler acked itself does not go back with an earlier one that fails.
    const passes = track.handlings.some(({ acked }) => acked);
    if (place === -1 || track.mayRepeat || track.lost > 0 || book.mayRepeat || passes) continue;
    if (place < last) ledger.complain("outputOrder", `the last result of ${track.text} comes before that of ${before}`);
    last = place;
    before = track.text;
  }
}
