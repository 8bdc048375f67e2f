import type { SubscriptionStatus } from "millrace";
import type { GroupBook } from "../ledger/group-book.ts";
import type { Track } from "../ledger/records.ts";
import type { World } from "../run/world.ts";
import type { Unit } from "./unit.ts";

/** What health says now must not contradict what is known. */
export function checkHealth(world: World, unit: Unit): void {
  const { ledger, program } = world;
  const { handlers } = unit.core.health();
  if (unit.phase !== "running") return;
  for (const book of ledger.books.values()) {
    const told = handlers[book.name];
    const own = book.members[unit.member];
    if (told === undefined || own === undefined || unit.stopped.has(book.name)) continue;
    // A call that a timeout has given up is judged when it has ended.
    const unjudged = [...own.running].some((call) => call.abortedAt !== undefined);
    if (own.failures > 0 && !unjudged && told.lastError === undefined) ledger.complain("lastError", `${book.name} has failed, and health tells no last error`);
    checkLag(world, book, told);
  }
  for (const relay of ledger.relays.values()) {
    // What fails as one call is sent one by one before anything has failed.
    const failed = !ledger.busy && [...relay.passed.values()].some(({ failures }) => failures > 1);
    if (failed && handlers[relay.name]?.lastError === undefined && program.members !== 2) {
      ledger.complain("lastError", `${relay.name} could not publish, and health tells no last error`);
    }
  }
}

/** Messages that the group has not settled, handed out or not: where nothing may be there twice, that is what is not done. */
function checkLag({ ledger, program }: World, book: GroupBook, { state, lag }: SubscriptionStatus): void {
  const { name, plan, tracks, mayRepeat } = book;
  // In batches and in pipelines what is done may have to wait for others before it is settled.
  if (plan.kind === "batch" || (plan.pipeline ?? 0) > 0) return;
  if (lag === undefined || mayRepeat || program.members === 2 || program.bus?.bufferSize !== undefined) return;
  const all = [...tracks.values()];
  if (all.some((track) => track.mayRepeat || track.lost > 0 || track.copies > 1 || track.unseen)) return;
  // What others publish SQLite sees when it looks, and the model lets it look once a second.
  if (program.on === "sqlite" && all.some(({ publication }) => ledger.now - publication.at < 1100)) return;
  // What a timeout has given up stays in hand until its call has ended.
  const inHand = ({ handlings }: Track): boolean => {
    const last = handlings.at(-1);
    return last !== undefined && !last.acked && last.calls.some((call) => call.endedAt === undefined && book.counts(call));
  };
  const left = all.filter((track) => track.doneAt === undefined || inHand(track)).length;
  if (lag !== left) ledger.complain("lag", `${name} is ${state}, its lag is ${lag}, and ${left} are not settled`);
}
