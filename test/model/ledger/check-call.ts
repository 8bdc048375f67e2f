import type { GroupBook } from "./group-book.ts";
import type { Call, Track } from "./records.ts";

/** What must hold when the innermost handler is called. */
export function checkCall(book: GroupBook, call: Call): void {
  const { ledger } = book;
  ledger.count();
  const running = [...(book.members[call.member]?.running ?? [])].filter((other) => book.counts(other));
  const { concurrency = 1 } = book.plan;
  const told = running.map(({ tracks }) => tracks.map(({ text }) => text).join("+")).join(", ");
  if (running.length >= concurrency) ledger.complain("concurrency", `${book.name} is called with ${textsOf(call)} while ${told} still runs`);
  for (const track of call.tracks) {
    if (track.copies > 1) continue; // which of them it is cannot be told
    const same =
      track.lane === undefined ? undefined : running.find((other) => other.tracks.some(({ lane, doneAt }) => lane === track.lane && doneAt === undefined));
    if (same !== undefined) ledger.complain("keyTwice", `${book.name} is called with ${track.text} while ${textsOf(same)} of its lane still runs`);
    const own = known(book, track) ? running.find((other) => other.tracks.includes(track)) : undefined;
    if (own !== undefined) ledger.complain("twice", `${book.name} is called with ${track.text} while its earlier call still runs`);
  }
  checkOrder(book, call);
}

/** A redelivery of it can be recognised: by its position, or by an id that is nobody else's. */
function known({ ledger, tracks }: GroupBook, { publication: { id } }: Track): boolean {
  if (ledger.program.bus?.nameless !== true) return true;
  return id !== "" && [...tracks.values()].filter(({ publication }) => publication.id === id).length === 1;
}

function checkOrder(book: GroupBook, call: Call): void {
  for (const [place, track] of call.tracks.entries()) {
    if (track.lane === undefined || track.copies > 1) continue;
    for (const earlier of book.lanes.get(track.lane) ?? []) {
      if (earlier === track) break;
      if (earlier.doneAt !== undefined || earlier.unseen) continue;
      if (call.tracks.slice(0, place).includes(earlier)) continue; // in the same batch, before it
      if (isPassedBy(track, earlier, call.member)) continue;
      if ((book.plan.pipeline ?? 0) > 0 && underWay(earlier, book.ledger.now)) continue;
      book.ledger.complain("order", `${book.name} is called with ${track.text} before ${earlier.text} has succeeded`);
      return;
    }
  }
}

/** The later one had its handler's own ack before the earlier one went back: it cannot go back with that one. */
function isPassedBy(later: Track, earlier: Track, member: number): boolean {
  const turn = later.open(member)?.ackedTurn ?? 0;
  return turn > 0 && earlier.wentBackTurn > turn;
}

/** Its results are on their way: with a pipeline the next may begin. */
function underWay(track: Track, now: number): boolean {
  const last = track.handlings.at(-1);
  // A publish that failed in this very moment: nobody can know yet.
  return last !== undefined && last.endedAt !== undefined && !last.threw && !last.nacked && (last.failedAt ?? now) === now;
}

function textsOf({ tracks }: Call): string {
  return tracks.map(({ text }) => text).join("+");
}
