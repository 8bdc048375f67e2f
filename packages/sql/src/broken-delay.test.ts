import { fileURLToPath } from "node:url";
import { type ConformanceSetup, runScenario, SCENARIOS } from "millrace/conformance";
import { describe, expect, it } from "vitest";
import { capabilities } from "./capabilities.ts";
import { ForgetfulPubSub } from "./testing/forgetful-pub-sub.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();

function setup(): ConformanceSetup {
  const module = fileURLToPath(new URL("./testing/forgetful-worker.ts", import.meta.url));
  return {
    name: "an adapter that holds messages back in its own process",
    capabilities,
    create: () => new ForgetfulPubSub(file.path),
    limits: { patienceMs: 1_000 },
    faults: { worker: { module, execArgv: ["--conditions=millrace:source"], env: { SQLITE_FILE: file.path } } },
  };
}

describe("the suite, on an adapter that holds messages back in its own process,", () => {
  it.each(["held-back-survives-close", "held-back-survives-kill"])("fails %s", async (name) => {
    const scenario = SCENARIOS.find((candidate) => candidate.name === name);
    if (scenario === undefined) throw new Error(`no scenario is called ${name}`);
    await expect(runScenario(scenario, setup())).rejects.toThrow(/acked/);
  });
});
