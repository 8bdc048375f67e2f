import { describe, it } from "vitest";
import { ownBroker } from "../../../test/brokers/index.ts";
import { crashRun } from "./crash-run.ts";

/** Kafka's groups wait for their session before a killed member's share goes to its successor: a short one, so that nobody waits long. */
const PARAMETERS = { rabbitmq: "", kafka: "?sessionTimeoutMs=3000&heartbeatMs=500" };
/** The broker has to come back, too. */
const BEHIND_MS = 60_000;

describe("MyEvents under SIGKILL, with the broker killed and started again on the way", () => {
  for (const name of ["rabbitmq", "kafka"] as const) {
    it(`books 400 seats once each for 1,000 requests over ${name}`, { timeout: 300_000 }, async (context) => {
      const broker = await ownBroker(name);
      if ("notRun" in broker) return context.skip(broker.notRun);
      try {
        await crashRun({ brokerUrl: broker.url + PARAMETERS[name], halfway: () => broker.restart(), behindMs: BEHIND_MS });
      } finally {
        await broker.remove();
      }
    });
  }
});
