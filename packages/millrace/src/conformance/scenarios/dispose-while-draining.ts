import assert from "node:assert/strict";
import { needsGroups, type Scenario } from "../scenario.ts";

export const disposeWhileDraining: Scenario = {
  name: "dispose-while-draining",
  title: "cuts a drain short when it is disposed meanwhile, and gives back what is in hand",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const probe = await world.watch(pubsub, { decide: () => "hold" });
    await pubsub.publish(world.topic, world.numbered(1));
    await probe.until(() => probe.holding.size === 1, "one is in hand");
    const draining = probe.subscription.drain({ timeoutMs: 20_000 });
    await world.within(probe.subscription[Symbol.asyncDispose](), "disposing while a drain waits", 5_000);
    await world.within(draining, "the drain that was cut short", 5_000);
    const held = probe.handOuts[0]?.message;
    assert.equal(held?.ack(), false, "a verdict after disposal is refused");
    const next = await world.watch(await world.open());
    await next.until(() => next.acked.size >= 1, "the next member has acked it");
  },
};
