import type { Program } from "../plan/program.ts";
import { runProgram } from "../run/run-program.ts";

/** Runs one program and prints what happened, line by line, and what it broke: for looking into a failure. */
export async function play(program: Program): Promise<void> {
  const { lines, violations } = await runProgram(program);
  console.log(lines.join("\n"));
  for (const { rule, text, at } of violations) console.log(`${at} ms: ${rule}: ${text}`);
  if (violations.length === 0) console.log("It keeps the contract.");
}
