import { assertSameIds, assertSameOrder } from "../ids.ts";
import { needsOrder, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const inOrder: Scenario = {
  name: "in-order",
  title: "hands out the messages of each key in the order of publishing, at one in flight",
  proves: ["ordering"],
  needs: needsOrder,
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const messages = world.numbered(1000, { key: (index) => `k${index % 16}` });
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= messages.length, "all 1,000 are acked");
    assertSameIds(probe.seen, idsOf(messages), "messages delivered");
    const published = idsOf(messages);
    for (let key = 0; key < 16; key++) {
      const ofKey = new Set(published.filter((_, index) => index % 16 === key));
      assertSameOrder(
        probe.order.filter((id) => ofKey.has(id)),
        published,
        `order of key k${key}`,
      );
    }
  },
};
