/**
 * `npm run bench -- [part…] [--quick] [--write]`: measures the parts named, or all. `--quick` takes smaller counts and two runs: to see
 * that all works, not to be quoted. `--write` puts the tables into bench/RESULTS.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Bench } from "./harness/bench.ts";
import { machine } from "./harness/machine.ts";
import { markdown } from "./harness/markdown.ts";
import { replacePart } from "./harness/results.ts";
import { PARTS } from "./parts/index.ts";

const RESULTS = new URL("RESULTS.md", import.meta.url);

const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: "boolean" }, write: { type: "boolean" } } });
const quick = values.quick === true;
const unknown = positionals.filter((name) => !PARTS.some((part) => part.name === name));
if (unknown.length > 0) {
  console.error(`There is no part "${unknown.join('", "')}": known are ${PARTS.map(({ name }) => name).join(", ")}.`);
  process.exit(1);
}

const progress = process.stderr.isTTY ? (text: string): unknown => process.stderr.write(`\r\u001b[K${text}`) : () => {};
for (const part of PARTS) {
  if (positionals.length > 0 && !positionals.includes(part.name)) continue;
  const bench = new Bench(quick, (done, of) => progress(done === of ? "" : `${part.name}: run ${done} of ${of}`));
  const where = machine();
  const began = performance.now();
  const section = await part.run(bench);
  progress("");
  const tookSeconds = Math.round((performance.now() - began) / 1000);
  const run = quick
    ? `quick run, medians of ${bench.runs}: shows that all works, not to be quoted`
    : `medians of ${bench.runs} runs, each in a process of its own`;
  const text = markdown({ ...section, conditions: [where, run, ...section.conditions] });
  console.log(`\n## ${part.title}\n\n${text}\n\n(${tookSeconds} s)`);
  if (values.write === true) writeFileSync(RESULTS, replacePart(readFileSync(RESULTS, "utf8"), part.name, text));
}
