/** `npm run delays [-- <seconds>…]`: one program on every broker delivers messages of 2 and 90 seconds, or of other delays, in time. */
import { runTests } from "./run-tests.ts";

const seconds = process.argv.slice(2);
process.env.MILLRACE_DELAYS_MS = (seconds.length > 0 ? seconds : ["2", "90"]).map((each) => Number(each) * 1_000).join(",");
await runTests(["test/delays"]);
