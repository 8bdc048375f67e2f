import { assertSameIds } from "../ids.ts";
import type { Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const publishLargeBatch: Scenario = {
  name: "publish-large-batch",
  title: "confirms 5,000 messages given in one call, however the broker has to split them",
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { maxInFlight: 100, orderBy: "none" });
    const messages = world.numbered(5000);
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= 5000, "all 5,000 are acked");
    assertSameIds(probe.seen, idsOf(messages), "messages delivered");
  },
};
