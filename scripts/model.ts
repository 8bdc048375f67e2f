/**
 * `npm run model -- <programs> [--first <seed>] [--on memory|sqlite|lossy] [--rule <rule>[,…]]`: random programs on the virtual clock,
 * held against the contract.
 */
import { parseArgs } from "node:util";
import { placesOf, rulesOf } from "../test/model/search/choices.ts";
import { examineSeeds } from "../test/model/search/examine-seeds.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { first: { type: "string" }, on: { type: "string" }, rule: { type: "string" }, log: { type: "boolean" } },
});
const count = Number(positionals[0] ?? 500);
const first = Number(values.first ?? 1);
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(first) || first < 0) {
  console.error("npm run model -- <programs> [--first <seed>]: both are whole numbers, programs from 1, seeds from 0.");
  process.exit(1);
}
const failures = await examineSeeds({ count, first, places: placesOf(values.on), rules: rulesOf(values.rule), log: values.log === true, print: console.log });
process.exit(failures === 0 ? 0 : 1);
