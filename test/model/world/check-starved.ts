import type { GroupBook } from "../ledger/group-book.ts";
import type { Track } from "../ledger/records.ts";
import type { Unit } from "./unit.ts";
import type { World } from "./world.ts";

const LONG_MS = 1000;

/** A slot is free, a message may begin, and a second goes by: unless health says what blocks it, it is starved. */
export function checkStarved({ ledger, program }: World, unit: Unit): void {
  if (unit.phase !== "running" || ledger.now - unit.startedAt < LONG_MS || program.members === 2 || program.bus?.bufferSize !== undefined) return;
  if (program.steps.some(({ do: step }) => step === "lose" || step === "cut" || step === "breakVerdict" || step === "hangSubscribe")) return;
  for (const book of ledger.books.values()) {
    const { plan } = book;
    if (plan.kind === "batch" || (plan.middleware?.length ?? 0) > 0 || unit.paused.has(book.name) || unit.stopped.has(book.name)) continue;
    if (unit.core.health().handlers[book.name]?.state === "blocked") continue;
    const open = [...book.tracks.values()].filter((track) => track.handlings.some(({ endedAt }) => endedAt === undefined)).length;
    if (open >= (plan.concurrency ?? 1)) continue;
    const waiting = [...book.tracks.values()].find((track) => free(book, track, ledger.now));
    if (waiting !== undefined) ledger.complain("starved", `${waiting.text} waits since ${Math.round(waiting.publication.at)}, and ${book.name} is free`);
  }
}

function free(book: GroupBook, track: Track, now: number): boolean {
  if (track.doneAt !== undefined || track.handlings.length > 0 || track.unseen || now - track.publication.at < LONG_MS) return false;
  if (track.lane === undefined) return true;
  const lane = book.lanes.get(track.lane) ?? [];
  return lane.slice(0, lane.indexOf(track)).every(({ doneAt }) => doneAt !== undefined && now - doneAt >= LONG_MS);
}
