import { ns } from "../harness/format.ts";
import { median } from "../harness/quantile.ts";
import { meanRatio, type Ratio } from "./ratio.ts";
import type { Pair } from "./run-pair.ts";
import { tooWide, type Verdict, verdict } from "./verdict.ts";

/** What became of a row. */
export type Outcome = Measured | { readonly notRun: string } | { readonly failed: string };

export interface Measured {
  readonly pairs: readonly Pair[];
  readonly ratio: Ratio;
  readonly verdict: Verdict;
}

export function measured(pairs: readonly Pair[]): Measured {
  const ratio = meanRatio(pairs.map((pair) => pair.ratio));
  return { pairs, ratio, verdict: verdict(ratio) };
}

export const HEAD: readonly string[] = ["old", "new", "old / new", "95 % interval", "verdict"];

/** The cells of a row, as `HEAD` names them. */
export function cells(outcome: Outcome): readonly string[] {
  if ("notRun" in outcome) return [`not run: ${outcome.notRun}`];
  if ("failed" in outcome) return [`failed: ${outcome.failed}`];
  const { pairs, ratio } = outcome;
  const [value, low, high] = [ratio.value, ratio.low, ratio.high].map((part) => part.toFixed(3));
  return [...(["old", "new"] as const).map((side) => ns(median(pairs.map((pair) => pair[side])))), value as string, `${low} to ${high}`, outcome.verdict];
}

/** The last words on all rows. The comparison holds when no row is slower, and none failed. */
export function summary(outcomes: readonly Outcome[]): { readonly lines: readonly string[]; readonly holds: boolean } {
  const rows = outcomes.filter((outcome) => "verdict" in outcome);
  const slower = rows.filter((outcome) => outcome.verdict === "slower").length;
  const wide = rows.filter(({ ratio }) => tooWide(ratio)).length;
  const failed = outcomes.filter((outcome) => "failed" in outcome).length;
  const notRun = outcomes.filter((outcome) => "notRun" in outcome).length;
  const more = [...(failed === 0 ? [] : [`${failed} failed`]), ...(notRun === 0 ? [] : [`${notRun} not run`])];
  return {
    lines: [
      ...(wide === 0 ? [] : [`${wide} of the intervals are too wide to show a cost of 5 %: more pairs, or a quieter machine, make them narrower.`]),
      `compare: ${[`${rows.length} rows`, `${slower} slower`, ...more].join(", ")}`,
    ],
    holds: slower === 0 && failed === 0,
  };
}
