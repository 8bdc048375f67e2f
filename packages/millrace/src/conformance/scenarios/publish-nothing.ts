import assert from "node:assert/strict";
import { Message } from "../../message/index.ts";
import type { Scenario } from "../scenario.ts";

export const publishNothing: Scenario = {
  name: "publish-nothing",
  title: "resolves a publish of no messages and sends nothing",
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    await world.within(pubsub.publish(world.topic, []), "publishing an empty list");
    const marker = new Message("marker");
    await pubsub.publish(world.topic, [marker]);
    await probe.until(() => probe.acked.has(marker.id), "the marker is acked");
    assert.deepEqual([...probe.seen], [marker.id]);
  },
};
