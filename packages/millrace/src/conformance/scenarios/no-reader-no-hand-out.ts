import assert from "node:assert/strict";
import { needsGroups, type Scenario } from "../scenario.ts";

export const noReaderNoHandOut: Scenario = {
  name: "no-reader-no-hand-out",
  title: "hands out nothing without a reader",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    const unread = await world.subscribe(pubsub);
    const marker = await world.watch(pubsub, { group: world.groupNamed("marker") });
    await pubsub.publish(world.topic, world.numbered(5));
    await marker.until(() => marker.acked.size >= 5, "another group has them all");
    assert.equal(unread.status().inFlight, 0);
    const probe = world.probe(unread);
    await probe.until(() => probe.acked.size >= 5, "a reader that comes later has them all");
    assert.ok(probe.handOuts.every(({ attempt }) => attempt === 1));
  },
};
