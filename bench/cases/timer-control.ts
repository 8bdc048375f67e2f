import type { Case } from "../harness/case.ts";
import { Lateness } from "./lateness.ts";

export interface TimerControlSettings {
  readonly durationMs: number;
}

const SLICE_MS = 8;

/** The same interval beside a loop that only counts, in slices of 8 ms: what the machine, not Millrace, makes of a timer. */
export const run: Case<TimerControlSettings> = async ({ durationMs }) => {
  const lateness = new Lateness();
  const end = performance.now() + durationMs;
  let counted = 0;
  while (performance.now() < end) {
    const pause = performance.now() + SLICE_MS;
    while (performance.now() < pause) counted++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { ...lateness.stop(), perSecond: (counted / durationMs) * 1000 };
};
