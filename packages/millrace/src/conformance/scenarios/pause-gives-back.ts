import assert from "node:assert/strict";
import type { Scenario } from "../scenario.ts";
import { needsGroups } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const pauseGivesBack: Scenario = {
  name: "pause-gives-back",
  title: "hands out nothing while paused, gives back what it held, and goes on after resume without counting an attempt",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { decide: ({ index }) => (index === 0 ? "hold" : "ack") });
    const marker = await world.watch(pubsub, { group: world.groupNamed("marker") });
    const messages = world.numbered(30);
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.holding.size === 1, "the first one is handed out");
    probe.subscription.pause();
    assert.equal(probe.subscription.status().state, "paused");
    const first = probe.order[0] as string;
    assert.equal(probe.settle(first), true, "a message in hand can be settled while paused");
    await pubsub.publish(world.topic, world.numbered(1, { from: 30 }));
    await marker.until(() => marker.acked.size >= 31, "another group has them all");
    await world.quiet();
    assert.equal(probe.handOuts.length, 1, "nothing is handed out while paused");
    assert.equal(probe.subscription.status().held, 0, "what was not handed out is given back");

    probe.subscription.resume();
    await world.promptly(() => probe.acked.size >= 31, "the rest is acked after resume");
    assert.ok(idsOf(messages).every((id) => probe.acked.has(id)));
    assert.ok(
      probe.handOuts.every(({ attempt }) => attempt === 1),
      "giving back never raises the attempt",
    );
  },
};
