import assert from "node:assert/strict";
import type { Scenario } from "../scenario.ts";

export const status: Scenario = {
  name: "status",
  title: "tells its state, and how many messages are in flight",
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { decide: () => "hold" });
    const fresh = probe.subscription.status();
    assert.equal(fresh.state, "running");
    assert.equal(fresh.inFlight, 0);
    assert.ok(fresh.since instanceof Date);
    await pubsub.publish(world.topic, world.numbered(1));
    await probe.until(() => probe.holding.size === 1, "one is in hand");
    assert.equal(probe.subscription.status().inFlight, 1);
    probe.settle(probe.order[0] as string);
    assert.equal(probe.subscription.status().inFlight, 0);
    await world.within(probe.subscription.close(), "close()");
    assert.equal(probe.subscription.status().state, "stopped");
  },
};
