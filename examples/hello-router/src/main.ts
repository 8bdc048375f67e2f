import { connect, consoleLogger } from "millrace";
import { runHelloRouter } from "./hello-router.ts";

/** A number above 0 from the environment. */
function number(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === "") return undefined;
  if (!(Number(text) > 0)) throw new Error(`${name} must be a number above 0, got ${JSON.stringify(text)}`);
  return Number(text);
}

const logger = consoleLogger({ level: "warn" });

try {
  // The one line that chooses the broker: BROKER_URL is memory: or sqlite:<file>.
  const broker = await connect(process.env.BROKER_URL ?? "memory:", { sqlite: () => import("@millrace/sql") }, { logger });
  await runHelloRouter({ broker, intervalMs: number("INTERVAL_MS"), count: number("COUNT"), logger });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
