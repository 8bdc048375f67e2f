import type { Rule } from "../ledger/violation.ts";
import type { Place } from "../plan/program.ts";
import { examine, type Finding } from "./examine.ts";
import { printProgram } from "./print-program.ts";

export interface SeedsOptions {
  readonly count: number;
  readonly first: number;
  readonly places: readonly Place[];
  readonly rules: readonly Rule[];
  /** Also what happened, line by line. */
  readonly log: boolean;
  readonly print: (line: string) => void;
}

/** What happened last tells most. */
const LAST_LINES = 60;
const TELL_EVERY_MS = 10_000;

/** Examines one seed after the other, tells of each that fails, and how many did. */
export async function examineSeeds({ count, first, places, rules, log, print }: SeedsOptions): Promise<number> {
  const began = performance.now();
  let told = began;
  const failed: Finding[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const finding = await examine(seed, { places, rules });
    if (finding !== undefined) {
      failed.push(finding);
      print(describe(finding, log));
    }
    if (performance.now() - told < TELL_EVERY_MS) continue;
    told = performance.now();
    print(`… ${seed - first + 1} of ${count} programs, ${failed.length} failures, ${Math.round((told - began) / 1000)} s`);
  }
  for (const [rule, seeds] of byRule(failed)) print(`${rule}: ${seeds.length} (${seeds.slice(0, 8).join(", ")}${seeds.length > 8 ? ", …" : ""})`);
  print(`model: ${count} programs, ${failed.length} failures`);
  return failed.length;
}

/** A failure as it is told: the rule, what was seen, and a program to paste. */
export function describe({ seed, violation, violations, program, lines }: Finding, log: boolean): string {
  const others = violations.filter(({ rule }) => rule !== violation.rule).map(({ rule }) => rule);
  return [
    `seed ${seed}: ${violation.rule}: ${violation.text}${others.length > 0 ? ` (also ${others.join(", ")})` : ""}`,
    `await runProgram(${printProgram(program)});`,
    ...(log ? lines.slice(-LAST_LINES) : []),
    "",
  ].join("\n");
}

function byRule(findings: readonly Finding[]): Map<Rule, number[]> {
  const seeds = new Map<Rule, number[]>();
  for (const { seed, violation } of findings) seeds.set(violation.rule, [...(seeds.get(violation.rule) ?? []), seed]);
  return seeds;
}
