/**
 * The entry of every child process: `run-case.ts <case> <settings as JSON>`. Tells the figures to the parent, or prints them when
 * it was started by hand (to profile one case: `--cpu-prof`).
 */
import type { Case } from "./case.ts";

const [name = "", settings = "{}"] = process.argv.slice(2);
const { run } = (await import(`../cases/${name}.ts`)) as { readonly run: Case<object> };
const figures = await run(JSON.parse(settings) as object);
if (process.send === undefined) console.log(figures);
else {
  process.send(figures);
  process.disconnect();
}
