import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const provision: Scenario = {
  name: "provision",
  title: "misses nothing that is published between provisioning a group and subscribing to it",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    // What cannot provision keeps what is published once a subscription existed.
    await world.prepare(pubsub);
    await world.prepare(pubsub); // as often as one likes
    const messages = world.numbered(10);
    await pubsub.publish(world.topic, messages);
    await world.prepare(pubsub); // and it moves no position
    const probe = await world.watch(await world.open());
    await probe.until(() => probe.acked.size >= 10, "all ten are acked");
    assertSameIds(probe.seen, idsOf(messages), "messages published before the subscription");
  },
};
