import { connect, consoleLogger } from "millrace";
import { runHelloRouter } from "./hello-router.ts";

/** A number above 0 from the environment. */
function number(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === "") return undefined;
  if (!(Number(text) > 0)) throw new Error(`${name} must be a number above 0, got ${JSON.stringify(text)}`);
  return Number(text);
}

const adapters = {
  amqp: () => import("@millrace/rabbitmq"),
  kafka: () => import("@millrace/kafka"),
  sqlite: () => import("@millrace/sql"),
};
const logger = consoleLogger({ level: "warn" });

try {
  // What chooses the broker is BROKER_URL: memory:, sqlite:<file>, kafka://<host> or amqp://<host>.
  const broker = await connect(process.env.BROKER_URL ?? "memory:", adapters, { logger });
  await runHelloRouter({ broker, intervalMs: number("INTERVAL_MS"), count: number("COUNT"), logger });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
