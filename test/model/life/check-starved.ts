import type { GroupBook } from "../ledger/group-book.ts";
import type { Track } from "../ledger/records.ts";
import type { World } from "../run/world.ts";
import type { Unit } from "./unit.ts";

const LONG_MS = 1000;
/** Middleware that lets nothing wait. */
const PROMPT: ReadonlySet<string> = new Set(["timeout", "recoverer", "ignoreErrors", "correlationId", "poisonQueue", "deduplicator"]);

/** A slot is free, a message may begin, and a second goes by: unless health says what blocks it, it is starved. */
export function checkStarved({ ledger, program }: World, unit: Unit): void {
  if (unit.phase !== "running" || ledger.now - unit.startedAt < LONG_MS || program.members === 2 || program.bus?.bufferSize !== undefined) return;
  if (program.steps.some(({ do: step }) => step === "lose" || step === "cut" || step === "breakVerdict" || step === "hangSubscribe")) return;
  for (const book of ledger.books.values()) {
    const { plan } = book;
    // With a pipeline and one handler at a time everything is one lane.
    if ((plan.pipeline ?? 0) > 0 && (plan.concurrency ?? 1) === 1) continue;
    if (plan.kind === "batch" || plan.middleware?.some(({ use }) => !PROMPT.has(use)) || unit.paused.has(book.name) || unit.stopped.has(book.name)) continue;
    if (unit.core.health().handlers[book.name]?.state === "blocked") continue;
    const busy = [...book.tracks.values()].filter((track) => isBusy(track)).length;
    if (busy >= (plan.concurrency ?? 1)) continue;
    const waiting = [...book.tracks.values()].find((track) => free(book, track, ledger.now));
    if (waiting !== undefined) ledger.complain("starved", `${waiting.text} waits since ${Math.round(waiting.publication.at)}, and ${book.name} is free`);
  }
}

/** Also a call that outlived its delivery or its member: a redelivery waits for it. */
function isBusy(track: Track): boolean {
  return track.handlings.some(({ endedAt }) => endedAt === undefined) || track.calls.some(({ endedAt }) => endedAt === undefined);
}

function free(book: GroupBook, track: Track, now: number): boolean {
  const since = Math.max(track.publication.at, track.dueBy);
  if (track.doneAt !== undefined || track.unseen || now - since < LONG_MS || isBusy(track)) return false;
  if (track.handlings.length > 0 && track.handlings.at(-1)?.failedAt === undefined) return false; // where it is, is not known
  if (track.lane === undefined) return true;
  const lane = book.lanes.get(track.lane) ?? [];
  return lane.slice(0, lane.indexOf(track)).every(({ doneAt }) => doneAt !== undefined && now - doneAt >= LONG_MS);
}
