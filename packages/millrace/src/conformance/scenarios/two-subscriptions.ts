import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const twoSubscriptions: Scenario = {
  name: "two-subscriptions",
  title: "serves two groups on one topic through one instance, one of which stands still",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    const still = await world.watch(pubsub, { group: world.groupNamed("still"), decide: () => "hold" });
    const going = await world.watch(pubsub, { group: world.groupNamed("going") });
    const messages = world.numbered(200);
    await pubsub.publish(world.topic, messages);
    await going.until(() => going.acked.size >= 200, "the other group has acked all 200");
    assertSameIds(going.acked, idsOf(messages), "messages of the group that goes on");
    await still.until(() => still.holding.size === 1, "the still group has its first one in hand");
  },
};
