import { assertSameIds } from "../ids.ts";
import type { Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const publishManyConcurrently: Scenario = {
  name: "publish-many-concurrently",
  title: "confirms 500 publish calls made at once and delivers every message",
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { maxInFlight: 50, orderBy: "none" });
    const messages = world.numbered(500);
    await Promise.all(messages.map((message) => pubsub.publish(world.topic, message)));
    await probe.until(() => probe.acked.size >= 500, "all 500 are acked");
    assertSameIds(probe.seen, idsOf(messages), "messages delivered");
  },
};
