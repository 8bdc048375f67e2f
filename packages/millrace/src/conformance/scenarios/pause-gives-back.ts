import assert from "node:assert/strict";
import type { Scenario } from "../scenario.ts";
import { needsGroups } from "../scenario.ts";
import { idsOf } from "../world.ts";

const COUNT = 200;
/** So many are handled before the pause: by then some are held ahead. */
const BEFORE = 50;

export const pauseGivesBack: Scenario = {
  name: "pause-gives-back",
  title: "hands out nothing while paused, gives back what it held, and goes on after resume without counting an attempt",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { decide: ({ index }) => (index === BEFORE ? "hold" : "ack") });
    const marker = await world.watch(pubsub, { group: world.groupNamed("marker") });
    const messages = world.numbered(COUNT);
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.holding.size === 1, "one is in hand, and others behind it");
    probe.subscription.pause();
    assert.equal(probe.subscription.status().state, "paused");
    const inHand = probe.order[BEFORE] as string;
    assert.equal(probe.settle(inHand), true, "a message in hand can be settled while paused");
    await pubsub.publish(world.topic, world.numbered(1, { from: COUNT }));
    await marker.until(() => marker.acked.size > COUNT, "another group has them all");
    await world.quiet();
    assert.equal(probe.handOuts.length, BEFORE + 1, "nothing is handed out while paused");
    assert.equal(probe.subscription.status().held, 0, "what was not handed out is given back");

    probe.subscription.resume();
    await world.promptly(() => probe.acked.size > COUNT, "the rest is acked after resume");
    assert.ok(idsOf(messages).every((id) => probe.acked.has(id)));
    assert.ok(
      probe.handOuts.every(({ attempt }) => attempt === 1),
      "giving back never raises the attempt",
    );
  },
};
