/** Waits until the process that started it is gone, however it went, then clears up its brokers: `keeper.ts <folder of a run>`. */
import { setTimeout as wait } from "node:timers/promises";
import { clearRun } from "./broker-run.ts";

const [folder = ""] = process.argv.slice(2);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.stdin.resume();
process.stdin.on("close", () => void clear());

async function clear(): Promise<void> {
  await clearRun(folder);
  // A worker of the run that was about to start one may have outlived it by a moment.
  await wait(3_000);
  await clearRun(folder);
}
