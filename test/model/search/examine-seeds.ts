import type { Rule } from "../ledger/violation.ts";
import { type ExamineOptions, examine, type Finding } from "./examine.ts";
import { tellFinding } from "./tell-finding.ts";

export interface SeedsOptions extends ExamineOptions {
  readonly count: number;
  readonly first: number;
  /** Also what happened, line by line. */
  readonly log: boolean;
  readonly print: (line: string) => void;
}

const TELL_EVERY_MS = 10_000;

/** Examines one seed after the other, tells of each that fails, and how many did. */
export async function examineSeeds(options: SeedsOptions): Promise<number> {
  const { count, first, log, print } = options;
  const began = performance.now();
  let told = began;
  const failed: Finding[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const finding = await examine(seed, options);
    if (finding !== undefined) {
      failed.push(finding);
      print(tellFinding(finding, log));
    }
    if (performance.now() - told < TELL_EVERY_MS) continue;
    told = performance.now();
    print(`… ${seed - first + 1} of ${count} programs, ${failed.length} failures, ${Math.round((told - began) / 1000)} s`);
  }
  for (const [rule, seeds] of byRule(failed)) print(`${rule}: ${seeds.length} (${seeds.slice(0, 8).join(", ")}${seeds.length > 8 ? ", …" : ""})`);
  print(`model: ${count} programs, ${failed.length} failures`);
  return failed.length;
}

function byRule(findings: readonly Finding[]): Map<Rule, number[]> {
  const seeds = new Map<Rule, number[]>();
  for (const { seed, violation } of findings) seeds.set(violation.rule, [...(seeds.get(violation.rule) ?? []), seed]);
  return seeds;
}
