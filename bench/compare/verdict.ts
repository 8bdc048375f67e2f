import type { Ratio } from "./ratio.ts";

export type Verdict = "slower" | "same" | "faster";

const SLOWER = 0.95;
const FASTER = 1.05;

/** What old time over new time says of the new code: only when its whole interval lies beyond the mark is it more than chance. */
export function verdict({ low, high }: Ratio): Verdict {
  if (high < SLOWER) return "slower";
  return low > FASTER ? "faster" : "same";
}

/** Whether the interval is so wide that a cost of one part in twenty could hide in it. */
export function tooWide({ value, low }: Ratio): boolean {
  return low / value < SLOWER;
}
