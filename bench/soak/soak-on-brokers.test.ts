import { describe, expect, it } from "vitest";
import { BROKER_NAMES } from "../../scripts/brokers/broker.ts";
import { ownBroker } from "../../test/brokers/index.ts";
import { Soak } from "./soak.ts";
import { shortPlan } from "./soak-plan.ts";
import { capabilitiesOf } from "./targets.ts";

describe.each(BROKER_NAMES)("a short soak on %s", (name) => {
  it("loses nothing, repeats little and keeps order while the broker restarts, members are killed and the group changes", async (context) => {
    const broker = await ownBroker(name);
    if ("notRun" in broker) return context.skip(broker.notRun);
    context.onTestFinished(() => broker.remove());
    const soak = await Soak.open({ broker, capabilities: await capabilitiesOf(name), plan: shortPlan(), tell: () => {} });
    await soak.run();
    expect(soak.checks.problems.shown).toEqual([]);
    expect(soak.checks.groups.map(({ firsts, missing }) => [firsts, missing])).toEqual([
      [soak.settings.plan.messages, []],
      [soak.settings.plan.messages, []],
    ]);
    expect(soak.checks.faults.map(({ kind }) => kind).sort()).toEqual(["join", "kill", "kill", "restart"]);
  }, 300_000);
});
