import type { World } from "../run/world.ts";
import { settledFor } from "./settled-for.ts";
import type { Unit } from "./unit.ts";

interface Watched {
  readonly unit: Unit;
  readonly startedAt: number;
  over: boolean;
  /** Since when nothing was left, and nothing happened. */
  quietSince: number | undefined;
  activity: number;
}

/** However long a source is asked whether it has caught up. */
const PATIENCE_MS = 600;

/** Watches every `idle()` that was called: it must come when nothing is left, and not before. */
export class IdleWatch {
  readonly #world: World;
  readonly #watched: Watched[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  begin(unit: Unit | undefined): void {
    if (unit === undefined || unit.phase !== "running") return;
    const { ledger } = this.#world;
    const watched: Watched = { unit, startedAt: unit.startedAt, over: false, quietSince: undefined, activity: -1 };
    this.#watched.push(watched);
    unit.core.idle().then(
      () => {
        watched.over = true;
        ledger.note("idle");
        if (unit.phase !== "running" || unit.startedAt !== watched.startedAt || unit.stopped.size > 0) return;
        for (const book of ledger.books.values()) {
          if (unit.paused.has(book.name)) continue;
          const running = [...(book.members[unit.member]?.running ?? [])].find((call) => book.counts(call));
          if (running !== undefined)
            ledger.complain("idleEarly", `idle came while ${book.name} is called with ${running.tracks.map(({ text }) => text).join("+")}`);
        }
      },
      () => {
        watched.over = true;
      },
    );
  }

  /** Asked after every step. */
  look(): void {
    const { ledger } = this.#world;
    for (const watched of this.#watched) {
      const { unit } = watched;
      if (watched.over || unit.phase !== "running" || unit.startedAt !== watched.startedAt) continue;
      if (!settledFor(this.#world, unit) || watched.activity !== ledger.activity) watched.quietSince = undefined;
      if (settledFor(this.#world, unit)) watched.quietSince ??= ledger.now;
      watched.activity = ledger.activity + 1; // the next step is one
      if (watched.quietSince !== undefined && ledger.now - watched.quietSince > PATIENCE_MS) {
        ledger.complain("idleHangs", `nothing is left for ${Math.round(ledger.now - watched.quietSince)} ms, and idle does not come`);
      }
    }
  }
}
