/**
 * `npm run bench:compare -- <path of another checkout> [rows…] [--pairs N]`: is this checkout slower than that one? Runs both in pairs and
 * compares their processor time. Ends with code 1 when a row is slower.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { machine } from "../harness/machine.ts";
import { Checkout, HERE } from "./checkout.ts";
import { chooseRows } from "./choose-rows.ts";
import { Comparison } from "./comparison.ts";
import { cells, HEAD, summary } from "./outcome.ts";
import type { Row } from "./row.ts";
import { ROWS } from "./rows/index.ts";

const PAIRS = 15;
const WIDTHS = [11, 11, 9, 16, 7];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { pairs: { type: "string" } } });
const [path, ...words] = positionals;
const pairs = values.pairs === undefined ? PAIRS : Number(values.pairs);

function fail(text: string): never {
  console.error(text);
  process.exit(1);
}

function attempt<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    return fail((error as Error).message);
  }
}

if (path === undefined || !(Number.isInteger(pairs) && pairs >= 2))
  fail("Say npm run bench:compare -- <path of another checkout> [beginnings of rows…] [--pairs N], with 2 pairs or more.");
const rows = attempt(() => chooseRows(ROWS, words));
// npm tells where it was called; the launcher itself always runs at the root.
const checkouts = attempt(() => ({ old: new Checkout(resolve(process.env.INIT_CWD ?? HERE, path)), new: new Checkout(HERE) }));

const cache = mkdtempSync(join(tmpdir(), "millrace-compare-"));
process.on("exit", () => rmSync(cache, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const width = Math.max(...rows.map(({ name }) => name.length));
const line = (name: string, all: readonly string[]): string =>
  `| ${name.padEnd(width)} | ${all.map((cell, column) => cell.padStart(all.length === 1 ? 0 : (WIDTHS[column] as number))).join(" | ")} |`;
const progress = process.stderr.isTTY ? (text: string): unknown => process.stderr.write(`\r\u001b[K${text}`) : () => {};

console.log(`- ${machine()}`);
console.log(`- old: ${checkouts.old.root}, ${checkouts.old.commit}; new: ${checkouts.new.root}, ${checkouts.new.commit}`);
console.log(`- ${pairs} pairs of processes, old and new; the two of a pair are warmed up and then run slices in turn, A B, B A, …`);
console.log("- old, new: processor time of a message, in the median slice, in the median pair");
console.log("- old / new: of a pair, the median ratio of neighbouring slices; of all, the mean of their logarithms, its interval by Student's t");
console.log('- "slower": the whole interval is below 0.95; "faster": all of it is above 1.05\n');
console.log(line("row", HEAD));
console.log(`|${["", ...WIDTHS].map((cell, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat((cell as number) + 1)}:`)).join("|")}|`);

const comparison = new Comparison({
  checkouts,
  pairs,
  cache,
  onPair: (row: Row, done: number) => progress(`${row.name}: pair ${done} of ${pairs}`),
  onOutcome: (row, outcome) => {
    progress("");
    console.log(line(row.name, cells(outcome)));
  },
});
const { lines, holds } = summary(await comparison.run(rows));
console.log(`\n${lines.join("\n")}`);
process.exitCode = holds ? 0 : 1;
