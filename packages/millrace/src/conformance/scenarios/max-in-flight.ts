import assert from "node:assert/strict";
import type { Scenario } from "../scenario.ts";

export const maxInFlight: Scenario = {
  name: "max-in-flight",
  title: "hands out as many messages at a time as maxInFlight says, and not one more",
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { maxInFlight: 4, orderBy: "none", decide: () => "hold" });
    await pubsub.publish(world.topic, world.numbered(20));
    await probe.until(() => probe.handOuts.length >= 4, "four are handed out without a verdict");
    assert.equal(probe.subscription.status().inFlight, 4);
    await world.quiet();
    assert.equal(probe.handOuts.length, 4, "a fifth waits for a verdict");
    for (let settled = 0; settled < 20; settled++) {
      assert.ok(probe.holding.size <= 4, `${probe.holding.size} are in flight`);
      await probe.until(() => probe.holding.size > 0, `number ${settled} is handed out`);
      const [id] = probe.holding.keys();
      probe.settle(id as string);
    }
    assert.equal(probe.seen.size, 20);
  },
};
