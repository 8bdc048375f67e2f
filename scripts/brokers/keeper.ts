/** Waits until the process that started it is gone, however it went, then clears up its brokers: `keeper.ts <folder of a run>`. */
import { clearRun } from "./broker-run.ts";

const [folder = ""] = process.argv.slice(2);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.stdin.resume();
process.stdin.on("close", () => void clearRun(folder));
