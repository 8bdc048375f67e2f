import type { Program } from "../plan/program.ts";

/** A program as one reads and pastes it: a line for each handler and each step. */
export function printProgram(program: Program): string {
  const lines = ["{"];
  for (const [name, value] of Object.entries(program)) {
    if (value === undefined) continue;
    if (name !== "handlers" && name !== "steps") lines.push(`  ${name}: ${literal(value)},`);
    else if ((value as readonly unknown[]).length === 1) lines.push(`  ${name}: [${literal((value as readonly unknown[])[0])}],`);
    else lines.push(`  ${name}: [`, ...(value as readonly unknown[]).map((part) => `    ${literal(part)},`), "  ],");
  }
  lines.push("}");
  return lines.join("\n");
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).flatMap(([name, part]) => (part === undefined ? [] : [`${name}: ${literal(part)}`]));
  return `{ ${parts.join(", ")} }`;
}
