import type { GroupBook } from "./group-book.ts";
import type { Handling } from "./records.ts";

/** What must hold when the router gives a message to its middleware. */
export function checkHandling(book: GroupBook, handling: Handling): void {
  const { ledger } = book;
  const { track, member } = handling;
  ledger.count();
  if (track.copies > 1) return; // which of them it is cannot be told
  // Which neighbours of a pipeline go back with a failed one depends on where each member's are.
  const told = book.members.length === 1 || (book.plan.pipeline ?? 0) === 0;
  if (told && handling.attempt > track.earned + 1 && !book.mayRepeat) {
    ledger.complain("attempts", `${track.text} comes as attempt ${handling.attempt}, and failed ${track.earned} times`);
  }
  if (book.members[member]?.ended) ledger.complain("afterEnd", `${book.name} is given ${track.text} after it had ended`);
  if (told && ledger.now < track.dueAt - 1 && !wasGivenUp(book, track) && !(ledger.program.on === "lossy" && (book.gaveBackAt >= 0 || book.mayRepeat))) {
    ledger.complain("early", `${track.text} came again ${Math.round(track.dueAt - ledger.now)} ms before it was due`);
  }
  if (track.doneAt !== undefined && !mayRepeat(book, handling)) ledger.complain("repeated", `${track.text} is handled again: it was ${track.how} before`);
}

/** Its handler went on behind a timeout until the drain's deadline was over: the failure was never judged, and it went back as it was. */
function wasGivenUp({ ledger, members }: GroupBook, { handlings }: Handling["track"]): boolean {
  return handlings.some(({ member, calls }) => ledger.now >= (members[member]?.deadline ?? Infinity) - 1 && calls.some(({ endedAt }) => endedAt === undefined));
}

function mayRepeat(book: GroupBook, { track, member }: Handling): boolean {
  if (track.mayRepeat || book.mayRepeat) return true;
  // At a deadline it is given back, whatever becomes of it.
  if (track.handlings.some((other) => book.ledger.now >= (book.members[other.member]?.deadline ?? Infinity) - 1)) return true;
  if (track.lost > 0) return !waitedFor(book, track, member);
  // An earlier one of its lane failed when it was already handled: it goes back with that one.
  const { kind, pipeline = 0, concurrency = 1 } = book.plan;
  if (kind !== "batch" && pipeline === 0) return false;
  // With a pipeline and one handler at a time the router takes the whole subscription for one lane.
  const whole = pipeline > 0 && concurrency === 1;
  const { key } = track.publication;
  for (const earlier of book.tracks.values()) {
    if (earlier === track) return false;
    const together = whole || earlier.lane === "" || (key !== undefined && earlier.publication.key === key);
    if (together && (earlier.failed || earlier.lost > 0)) return true;
  }
  return false;
}

/** It was given out again while the call that did well was still running here: then it is acked without another. */
function waitedFor(book: GroupBook, track: Handling["track"], member: number): boolean {
  const { program } = book.ledger;
  // With a pipeline it may go back with one that was lost before it.
  if (
    (book.plan.pipeline ?? 0) > 0 ||
    program.members === 2 ||
    program.bus?.nameless ||
    track.lost > 1 ||
    program.steps.some(({ do: step }) => step === "pause" || step === "close" || step === "stop")
  )
    return false;
  // One before it is handled again, whose success was not durable yet: it has to come after that one.
  for (const earlier of book.lanes.get(track.lane ?? "") ?? []) {
    if (earlier === track) break;
    if (earlier.lost > 0 && earlier.handlings.some(({ startedAt }) => startedAt >= earlier.lostAt)) return false;
  }
  const first = track.handlings.find((handling) => handling.lost);
  const doneAt = track.doneAt as number;
  const abandonedAt = track.lostAt + (book.plan.abandonAfterMs ?? 1000);
  return first !== undefined && first.member === member && first.startedAt < track.lostAt && track.againAt < doneAt && doneAt < abandonedAt;
}
