import { mkdirSync } from "node:fs";
import { consoleLogger, OptionError, type PubSub } from "millrace";
import { isInProcess, openBroker } from "./broker/open-broker.ts";
import type { Config, ProcessName } from "./config/index.ts";
import { startPage } from "./live-page/index.ts";
import { flowLine } from "./service/flow-line.ts";
import { startService } from "./service/index.ts";

const NAMES: Readonly<Record<ProcessName, string>> = { events: "EventService", bookings: "BookingService", page: "live page" };

/** Runs these parts of MyEvents in this process until it is told to stop. */
export async function runProcess(parts: readonly ProcessName[], config: Config): Promise<void> {
  if (isInProcess(config.brokerUrl) && parts.length === 1) {
    throw new OptionError("BROKER_URL", ["memory: lives in one process, so nothing can be started alone with it: use start, or another broker"]);
  }
  const logger = consoleLogger({ level: "warn" });
  const stop = untilStopped();
  mkdirSync(config.dataDir, { recursive: true });
  const broker = await openBroker(config.brokerUrl, logger);
  const running: { readonly url: string; close(): Promise<void> }[] = [];
  try {
    for (const part of parts) {
      const started = await startPart(part, parts.length > 1, config, broker);
      running.push(started);
      console.log(`${NAMES[part]} answers at ${started.url}`);
    }
    process.send?.({ ready: Object.fromEntries(parts.map((part, index) => [part, running[index]?.url])) });
    await stop;
  } finally {
    await Promise.all(running.map((one) => one.close()));
    await broker.close();
  }
}

function startPart(part: ProcessName, prefixed: boolean, config: Config, broker: PubSub): Promise<{ readonly url: string; close(): Promise<void> }> {
  const logger = consoleLogger({ level: "warn" });
  if (part === "page") return startPage({ config, broker, logger });
  const prefix = prefixed ? `${part.padEnd(8)} | ` : "";
  return startService({ name: part, config, broker, logger, announce: (...event) => console.log(prefix + flowLine(...event)) });
}

/** Resolves at Ctrl-C or SIGTERM; under a supervisor at SIGTERM, or when the supervisor is gone. */
function untilStopped(): Promise<void> {
  const supervised = process.env.MY_EVENTS_SUPERVISED === "1" && process.connected === true;
  return new Promise((resolve) => {
    process.on("SIGTERM", () => resolve());
    // Ctrl-C reaches every process of the terminal: the supervisor hears it too, and stops its processes in its own way.
    process.on("SIGINT", () => {
      if (!supervised) resolve();
    });
    if (supervised) process.on("disconnect", () => resolve());
  });
}
