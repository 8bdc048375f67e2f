import { assertSameIds } from "../ids.ts";
import { allOf, needsGroups, needsRedelivery, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const continueAfterErrors: Scenario = {
  name: "continue-after-errors",
  title: "delivers everything after three members that nacked and closed",
  needs: (capabilities) => allOf(needsGroups(capabilities), needsRedelivery(capabilities)),
  run: async (world) => {
    const publisher = await world.open();
    await world.prepare(publisher);
    const messages = world.numbered(30);
    await publisher.publish(world.topic, messages);
    for (let round = 0; round < 3; round++) {
      const failing = await world.watch(await world.open(), { decide: () => "nack" });
      await failing.until(() => failing.handOuts.length >= 10, `member ${round} has nacked ten times`);
      await failing.subscription[Symbol.asyncDispose]();
    }
    const probe = await world.watch(publisher);
    await probe.until(() => probe.acked.size >= messages.length, "all 30 are acked");
    assertSameIds(probe.acked, idsOf(messages), "messages acked");
  },
};
