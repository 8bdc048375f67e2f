import { RULES, type Rule, type Violation } from "../ledger/violation.ts";
import { type GenerateOptions, generate } from "../plan/generate.ts";
import type { Program } from "../plan/program.ts";
import { type RunOptions, runProgram } from "../run/run-program.ts";
import { shrink } from "./shrink.ts";

export interface Finding {
  readonly seed: number;
  /** Everything that the whole program broke. */
  readonly violations: readonly Violation[];
  /** What the small one is small for. */
  readonly violation: Violation;
  readonly program: Program;
  readonly lines: readonly string[];
}

export interface ExamineOptions extends RunOptions, GenerateOptions {
  /** Only these count. Default: all. */
  readonly rules?: readonly Rule[] | undefined;
}

/** Runs the program of a seed; when it breaks something, makes it small. */
export async function examine(seed: number, options: ExamineOptions = {}): Promise<Finding | undefined> {
  const whole = generate(seed, options);
  const rules = options.rules ?? RULES;
  const { violations } = await runProgram(whole, options);
  const rule = rules.find((one) => violations.some((violation) => violation.rule === one));
  if (rule === undefined) return undefined;
  const breaks = async (program: Program): Promise<boolean> => (await runProgram(program, options)).violations.some((violation) => violation.rule === rule);
  const { program } = await shrink(whole, breaks);
  const small = await runProgram(program, options);
  const violation = small.violations.find((one) => one.rule === rule) ?? (violations.find((one) => one.rule === rule) as Violation);
  return { seed, violations, violation, program, lines: small.lines };
}
