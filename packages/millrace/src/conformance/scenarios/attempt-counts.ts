import assert from "node:assert/strict";
import { needsRedelivery, type Scenario } from "../scenario.ts";

export const attemptCounts: Scenario = {
  name: "attempt-counts",
  title: "counts hand-outs in delivery.attempt, from 1",
  needs: needsRedelivery,
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { decide: ({ attempt }) => (attempt < 4 ? "nack" : "ack") });
    const messages = world.numbered(3);
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= 3, "all three are acked at the fourth attempt");
    for (const { id } of messages) assert.deepEqual(probe.attemptsOf(id), [1, 2, 3, 4], `attempts of ${id}`);
  },
};
