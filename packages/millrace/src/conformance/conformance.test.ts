import { describe, expect, it } from "vitest";
import { OptionError } from "../errors/index.ts";
import { MemoryPubSub, memoryCapabilities } from "../memory/index.ts";
import { applies, conformance, stress } from "./conformance.ts";
import type { ConformanceSetup } from "./conformance-setup.ts";
import { SCENARIOS } from "./scenarios/index.ts";

interface Recorded {
  readonly titles: string[];
  readonly runs: Map<string, () => Promise<void>>;
  readonly notRun: Map<string, string>;
}

const setup: ConformanceSetup = { name: "memory", capabilities: memoryCapabilities, create: () => new MemoryPubSub(), singleInstance: true };

function record(register: typeof conformance, given: ConformanceSetup): Recorded {
  const recorded: Recorded = { titles: [], runs: new Map(), notRun: new Map() };
  register(
    {
      describe: (title, body) => {
        recorded.titles.push(title);
        body();
      },
      it: (title, run) => recorded.runs.set(title, run),
      notRun: (title, reason) => recorded.notRun.set(title, reason),
    },
    given,
  );
  return recorded;
}

describe("conformance", () => {
  it("registers every scenario, either to be run or as not run with its reason", () => {
    const { titles, runs, notRun } = record(conformance, setup);
    expect(titles).toEqual(["memory keeps the contract"]);
    expect(runs.size + notRun.size).toBe(SCENARIOS.length + 1);
    expect(notRun.get("keeps confirmed messages while no instance is open")).toBe("the adapter is not durable");
    expect([...notRun.values()].every((reason) => reason.length > 0)).toBe(true);
  });

  it("shows an excluded scenario as not run, with the reason given", () => {
    const { notRun, runs } = record(conformance, { ...setup, exclude: { drain: "not wanted here" } });
    const title = "waits for what is in hand, hands out nothing more, and closes";
    expect(notRun.get(title)).toBe("not wanted here");
    expect(runs.has(title)).toBe(false);
  });

  it("refuses exclusions without a reason or of no scenario", () => {
    const bad = { ...setup, exclude: { drain: " ", "no-such-scenario": "why not" } };
    expect(() => record(conformance, bad)).toThrow(OptionError);
    expect(() => record(conformance, bad)).toThrow(/drain.*gives no reason|no-such-scenario/);
  });

  it("fails when a capability is claimed that nothing proves", async () => {
    const { runs } = record(conformance, { ...setup, capabilities: { ...memoryCapabilities, durable: true } });
    await expect((async () => runs.get("proves every capability it claims")?.())()).rejects.toMatchObject({ code: "CAPABILITY_UNPROVED" });
  });

  it("runs a scenario several times at once under stress, each with a topic of its own", async () => {
    const made: MemoryPubSub[] = [];
    const { titles, runs } = record(stress(3), { ...setup, create: () => made[made.push(new MemoryPubSub()) - 1] as MemoryPubSub });
    expect(titles).toEqual(["memory keeps the contract, 3 times at once"]);
    await runs.get("resolves a publish of no messages and sends nothing")?.();
    expect(made).toHaveLength(3);
    expect(() => stress(0)).toThrow(OptionError);
  });

  it("says of each scenario whether it applies", () => {
    const names = SCENARIOS.filter((scenario) => applies(scenario, setup) === true).map((scenario) => scenario.name);
    expect(names).toContain("publish-subscribe");
    expect(names).not.toContain("cut-connection");
  });
});
