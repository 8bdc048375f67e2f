import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { needsRedelivery, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const resendOnNack: Scenario = {
  name: "resend-on-nack",
  title: "redelivers a message after nack and delivers all the others too",
  proves: ["redelivers"],
  needs: needsRedelivery,
  run: async (world) => {
    const pubsub = await world.open();
    let nacks = 0;
    const probe = await world.watch(pubsub, { decide: () => (nacks++ < 2 ? "nack" : "ack") });
    const messages = world.numbered(100);
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= messages.length, "all 100 are acked after two nacks");
    assertSameIds(probe.acked, idsOf(messages), "messages acked");
    assert.ok(probe.handOuts.length >= messages.length + 2, `102 hand-outs at least, not ${probe.handOuts.length}`);
  },
};
