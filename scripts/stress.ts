/** `npm run stress [-- <adapter>]`: the conformance suites, each scenario 20 times at once. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runTests } from "./run-tests.ts";
import { ROOT } from "./workspace.ts";

process.env.MILLRACE_STRESS ??= "20";

const [adapter = ""] = process.argv.slice(2);
const suites = globSync("packages/*/src/**/*conformance.test.ts", { cwd: ROOT, exclude: ["packages/millrace/src/conformance/**"] });
const chosen = suites.filter((file) => `${file}\n${readFileSync(join(ROOT, file), "utf8")}`.toLowerCase().includes(adapter.toLowerCase()));
if (chosen.length === 0) {
  console.error(`There is no adapter "${adapter}" with a conformance suite: there are ${suites.join(", ") || "none"}.`);
  process.exit(1);
}
// One suite at a time: twenty loops that a scenario lets stand still would let those of another suite stand still beyond their leases.
await runTests(["--no-file-parallelism", ...chosen]);
