import type { FaultKind } from "./fault.ts";

export interface SoakPlan {
  readonly messages: number;
  /** In the order in which they come. */
  readonly faults: readonly FaultKind[];
  /** How fast to publish at most, in messages a second. */
  readonly perSecond: number;
}

const LEAST_PER_SECOND = 2_000;
const SECONDS = 100;

/** What the project promises: three restarts, ten kills, five changes of the group. */
export function fullPlan(messages = 1_000_000): SoakPlan {
  return planOf(messages, { restart: 3, kill: 10, change: 5 });
}

/** The same in short: to see that all works. */
export function shortPlan(messages = 20_000): SoakPlan {
  return planOf(messages, { restart: 1, kill: 2, change: 1 });
}

function planOf(messages: number, counts: Readonly<Record<"restart" | "kill" | "change", number>>): SoakPlan {
  const placed = Object.entries(counts).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, index) => ({ place: (index + 0.5) / count, kind: kind === "change" ? (index % 2 === 0 ? "join" : "leave") : kind })),
  );
  placed.sort((one, other) => one.place - other.place);
  return { messages, faults: placed.map(({ kind }) => kind as FaultKind), perSecond: Math.max(LEAST_PER_SECOND, messages / SECONDS) };
}
