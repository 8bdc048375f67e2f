import type { Finding } from "./examine.ts";
import { printProgram } from "./print-program.ts";

/** What happened last tells most. */
const LAST_LINES = 60;

/** A failure as it is told: the rule, what was seen, and a program to paste. */
export function tellFinding({ seed, violation, violations, program, lines }: Finding, log: boolean): string {
  const others = violations.filter(({ rule }) => rule !== violation.rule).map(({ rule }) => rule);
  return [
    `seed ${seed}: ${violation.rule}: ${violation.text}${others.length > 0 ? ` (also ${others.join(", ")})` : ""}`,
    'import { play } from "./test/model/search/play.ts";',
    `await play(${printProgram(program)});`,
    ...(log ? lines.slice(-LAST_LINES) : []),
    "",
  ].join("\n");
}
