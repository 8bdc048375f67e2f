import assert from "node:assert/strict";
import { Message } from "../../message/index.ts";
import { need, type Scenario } from "../scenario.ts";

export const deduplicatesPublish: Scenario = {
  name: "deduplicates-publish",
  title: "delivers a message once that was published twice under one id",
  proves: ["deduplicatesPublish"],
  needs: (capabilities) => need(capabilities.deduplicatesPublish, "the broker does not remove duplicates"),
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const twice = new Message("twice");
    const marker = new Message("marker");
    await pubsub.publish(world.topic, twice);
    await pubsub.publish(world.topic, twice);
    await pubsub.publish(world.topic, marker);
    await probe.until(() => probe.acked.has(marker.id) && probe.acked.has(twice.id), "both are acked");
    assert.deepEqual(probe.attemptsOf(twice.id), [1]);
  },
};
