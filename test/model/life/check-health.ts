import type { World } from "../run/world.ts";
import type { Unit } from "./unit.ts";

/** What health says now must not contradict what is known. */
export function checkHealth({ ledger, program }: World, unit: Unit): void {
  const { handlers } = unit.core.health();
  if (unit.phase !== "running") return;
  for (const book of ledger.books.values()) {
    const told = handlers[book.name];
    const own = book.members[unit.member];
    if (told === undefined || own === undefined || unit.stopped.has(book.name)) continue;
    if (own.failures > 0 && told.lastError === undefined) ledger.complain("lastError", `${book.name} has failed, and health tells no last error`);
    const left = [...book.tracks.values()].filter(({ doneAt }) => doneAt === undefined).length;
    const still = own.running.size === 0 && ledger.now > ledger.busyUntil + 50 && program.members !== 2;
    if (still && told.state === "paused" && told.lag !== undefined && told.lag !== left && program.on !== "sqlite") {
      ledger.complain("lag", `${book.name} is paused, its lag is ${told.lag}, and ${left} are not settled`);
    }
  }
  for (const relay of ledger.relays.values()) {
    const failed = [...relay.passed.values()].some(({ failures }) => failures > 0);
    if (failed && handlers[relay.name]?.lastError === undefined && program.members !== 2) {
      ledger.complain("lastError", `${relay.name} could not publish, and health tells no last error`);
    }
  }
}
