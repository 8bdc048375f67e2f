import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const concurrentClose: Scenario = {
  name: "concurrent-close",
  title: "loses nothing after ten members of the group opened and closed at once",
  needs: needsGroups,
  run: async (world) => {
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const subscription = await world.subscribe(await world.open());
        await world.within(subscription.close(), "close()");
      }),
    );
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const messages = world.numbered(50);
    await pubsub.publish(world.topic, messages);
    const probe = await world.watch(await world.open());
    await probe.until(() => probe.acked.size >= messages.length, "all 50 are acked");
    assertSameIds(probe.acked, idsOf(messages), "messages acked");
  },
};
