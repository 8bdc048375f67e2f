import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { need, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const groupless: Scenario = {
  name: "groupless",
  title: "gives every subscription without a group all messages, and leaves no position behind",
  proves: ["groupless"],
  needs: (capabilities) => need(capabilities.groupless, "the adapter always needs a group"),
  run: async (world) => {
    const pubsub = await world.open();
    const probes = [await world.watch(pubsub, { group: undefined }), await world.watch(pubsub, { group: undefined })];
    const messages = world.numbered(20);
    await pubsub.publish(world.topic, messages);
    await world.until(() => probes.every((probe) => probe.acked.size >= 20), "both have acked all 20");
    for (const probe of probes) assertSameIds(probe.seen, idsOf(messages), "messages of a subscription without a group");
    for (const probe of probes) await world.within(probe.subscription.close(), "close()");
    if (!world.capabilities.replay) return;
    const again = await world.watch(pubsub, { group: undefined, from: "earliest" });
    await again.until(() => again.seen.size >= 20, "a third reading begins at the earliest again");
    assert.deepEqual(new Set(again.seen), new Set(idsOf(messages)));
  },
};
