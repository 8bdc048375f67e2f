import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const provision: Scenario = {
  name: "provision",
  title: "begins a group when it is provisioned, and misses nothing that is published before somebody subscribes",
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

    // A group begins when it is provisioned, not when somebody subscribes.
    if (pubsub.provision === undefined) return;
    const later = world.groupNamed("later");
    await pubsub.provision(world.topic, { group: later, from: "latest" });
    const fresh = world.numbered(5, { from: 10 });
    await pubsub.publish(world.topic, fresh);
    const second = await world.watch(await world.open(), { group: later });
    await second.until(() => second.acked.size >= 5, "all five are acked");
    assert.ok(
      messages.every(({ id }) => !second.seen.has(id)),
      "nothing older than the group is handed out",
    );
  },
};
