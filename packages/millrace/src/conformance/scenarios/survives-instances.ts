import { assertSameIds } from "../ids.ts";
import { allOf, need, needsInstances, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const survivesInstances: Scenario = {
  name: "survives-instances",
  title: "keeps confirmed messages while no instance is open",
  proves: ["durable"],
  needs: (capabilities, setup) =>
    allOf(
      need(capabilities.durable, "the adapter is not durable"),
      need(capabilities.consumerGroups, "the adapter has no consumer groups"),
      needsInstances(setup),
    ),
  run: async (world) => {
    const first = await world.open();
    await world.prepare(first);
    const messages = world.numbered(20);
    await first.publish(world.topic, messages);
    await first.close();
    const probe = await world.watch(await world.open());
    await probe.until(() => probe.acked.size >= 20, "an instance opened later has acked all 20");
    assertSameIds(probe.seen, idsOf(messages), "messages kept");
  },
};
