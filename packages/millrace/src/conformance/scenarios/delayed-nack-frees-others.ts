import assert from "node:assert/strict";
import { needsRedelivery, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const delayedNackFreesOthers: Scenario = {
  name: "delayed-nack-frees-others",
  title: "goes on with other messages while nacked ones wait, which use up no maxInFlight",
  needs: needsRedelivery,
  run: async (world) => {
    const pubsub = await world.open();
    const messages = world.numbered(20);
    const failing = new Set(idsOf(messages).slice(0, 6));
    const probe = await world.watch(pubsub, {
      maxInFlight: 2,
      orderBy: "none",
      decide: ({ id }) => (failing.has(id) ? { delayMs: 60_000 } : "ack"),
    });
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= 14, "the other 14 are acked while six wait");
    assert.ok([...failing].every((id) => !probe.acked.has(id)));
    for (const id of failing) assert.deepEqual(probe.attemptsOf(id), [1], "what waits is not handed out");
    await world.within(probe.subscription.close(), "close() with delayed messages", 10_000);
  },
};
