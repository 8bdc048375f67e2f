import type { Rule } from "../ledger/violation.ts";
import type { Program } from "../plan/program.ts";

/** A program that once broke the contract. */
export interface Case {
  /** What holds now, as the title of a test. */
  readonly holds: string;
  /** What it broke then. */
  readonly broke: Rule;
  readonly program: Program;
}
