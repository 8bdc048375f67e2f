import { median } from "../harness/quantile.ts";
import type { Side } from "./row.ts";

/** What a pair of processes, one with the old code and one with the new, took in the same time. */
export interface Pair {
  /** Processor time of a message, in nanoseconds: of the slice in the middle. */
  readonly old: number;
  readonly new: number;
  /** Old time over new time: the middle one of the ratios of neighbouring slices. */
  readonly ratio: number;
}

export interface PairPlan {
  /** Slices of each side, both at once, that are run before and not counted, until the compiler has done its work. */
  readonly warmUps: number;
  readonly slices: number;
  /** Who is first in the first slice; afterwards they take turns, so that to be second is nobody's luck. */
  readonly first: Side;
}

/**
 * Measures old and new in thin slices that lie next to each other in time: what slows the machine for longer than a slice slows both, and what
 * slows it for less falls on single slices, which the median leaves out.
 */
export async function runPair({ warmUps, slices, first }: PairPlan, slice: (side: Side) => Promise<number>): Promise<Pair> {
  const order: readonly Side[] = first === "old" ? ["old", "new"] : ["new", "old"];
  const times: Record<Side, number[]> = { old: [], new: [] };
  const warmUp = async (side: Side): Promise<void> => {
    for (let run = 0; run < warmUps; run++) await slice(side);
  };
  await Promise.all(order.map(warmUp));
  for (let run = 0; run < slices; run++) for (const side of run % 2 === 0 ? order : order.toReversed()) times[side].push(await slice(side));
  return { old: median(times.old), new: median(times.new), ratio: median(times.old.map((time, run) => time / (times.new[run] as number))) };
}
