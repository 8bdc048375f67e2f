import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const closeWithUnread: Scenario = {
  name: "close-with-unread",
  title: "closes at once although nobody reads, and gives what was fetched to the next member",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const unread = await world.subscribe(pubsub, { maxInFlight: 10 });
    const messages = world.numbered(50);
    await pubsub.publish(world.topic, messages);
    await world.within(unread.close(), "close() of a subscription that nobody reads", 10_000);
    const probe = await world.watch(await world.open());
    await probe.until(() => probe.acked.size >= 50, "the next member has acked all 50");
    assertSameIds(probe.acked, idsOf(messages), "messages acked");
  },
};
