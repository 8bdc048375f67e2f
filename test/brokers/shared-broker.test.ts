import { describe, expect, it } from "vitest";
import { sharedBroker } from "./index.ts";

// The names are written out here: that is how the run of tests knows which brokers to start.
const SHARED = { kafka: () => sharedBroker("kafka"), rabbitmq: () => sharedBroker("rabbitmq") };

describe.each(["kafka", "rabbitmq"] as const)("the %s that all tests of a run share", (name) => {
  it("answers at the port of its URL", async (context) => {
    const broker = SHARED[name]();
    if ("notRun" in broker) return context.skip(broker.notRun);
    expect(broker.url).toContain(`127.0.0.1:${broker.port}`);
    expect(await broker.answers()).toBe(true);
  });
});
