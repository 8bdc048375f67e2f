import assert from "node:assert/strict";
import type { Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const noAckHoldsNext: Scenario = {
  name: "no-ack-holds-next",
  title: "hands out the second message only after the first has its verdict, at one in flight",
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { decide: () => "hold" });
    const marker = await world.watch(pubsub, { group: world.groupNamed("marker") });
    const messages = world.numbered(2);
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.handOuts.length >= 1, "the first one is handed out");
    await marker.until(() => marker.acked.size >= 2, "another reading has both");
    await world.quiet();
    assert.equal(probe.handOuts.length, 1, "nothing more is handed out while the first one is unsettled");
    const first = probe.order[0] as string;
    assert.equal(probe.settle(first), true);
    await probe.until(() => probe.seen.size >= 2, "the second one is handed out after the ack");
    assert.deepEqual(new Set(probe.order), new Set(idsOf(messages)));
  },
};
