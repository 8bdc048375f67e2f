import { describe, expect, it } from "vitest";
import { sharedBroker } from "../../../test/brokers/index.ts";
import { EXPECTED, outputOver } from "./output.fixture.ts";

describe("hello-router", () => {
  for (const name of ["rabbitmq", "kafka"] as const) {
    it(`prints on ${name} what it prints in memory`, { timeout: 60_000 }, async (context) => {
      const broker = sharedBroker(name);
      if ("notRun" in broker) return context.skip(broker.notRun);
      expect(await outputOver(broker.url)).toEqual(EXPECTED);
    });
  }
});
