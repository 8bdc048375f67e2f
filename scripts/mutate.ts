/** `npm run mutate [-- <area>…] [-t <words>] [--list]`: breaks promises one at a time in a copy of this checkout, and says which go unnoticed. */
import { parseArgs } from "node:util";
import { AREAS } from "../test/mutate/areas.ts";
import { hunt } from "../test/mutate/hunt.ts";
import { ROOT } from "./workspace.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: "boolean" }, words: { type: "string", short: "t", default: "" } },
});
const unknown = positionals.filter((area) => !(area in AREAS));
if (unknown.length > 0) {
  console.error(`There is no area "${unknown.join(", ")}": there are ${Object.keys(AREAS).join(", ")}.`);
  process.exit(1);
}
const areas = positionals.length > 0 ? positionals : Object.keys(AREAS);
const mutants = areas.flatMap((area) => (AREAS[area] ?? []).map((mutant) => ({ ...mutant, promise: `${area}: ${mutant.promise}` })));
const chosen = mutants.filter(({ promise }) => promise.includes(values.words));
if (values.list === true) {
  for (const { promise, file, caughtBy } of chosen) console.log(`${promise}\n  ${file}, caught by ${caughtBy.file}: ${caughtBy.title}`);
  console.log(`${chosen.length} mutants`);
  process.exit(0);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exit((await hunt({ root: ROOT, mutants: chosen, print: console.log })) ? 0 : 1);
