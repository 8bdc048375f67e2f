/** The entry of a child process that runs cases when it is told to, one after the other, and tells their figures. It ends with its parent. */
import type { Call, Case } from "../harness/case.ts";

process.on("disconnect", () => process.exit());
process.on("message", (call: Call) => {
  void serve(call);
});

async function serve({ name, settings }: Call): Promise<void> {
  const { run } = (await import(`../cases/${name}.ts`)) as { readonly run: Case<object> };
  process.send?.(await run(settings));
}
