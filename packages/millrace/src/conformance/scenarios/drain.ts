import assert from "node:assert/strict";
import { needsGroups, type Scenario } from "../scenario.ts";

export const drain: Scenario = {
  name: "drain",
  title: "waits for what is in hand, hands out nothing more, and closes",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const probe = await world.watch(pubsub, { maxInFlight: 2, orderBy: "none", decide: () => "hold" });
    await pubsub.publish(world.topic, world.numbered(6));
    await probe.until(() => probe.holding.size === 2, "two are in hand");
    let drained = false;
    const draining = probe.subscription.drain({ timeoutMs: world.patienceMs }).then(() => {
      drained = true;
    });
    const [one, two] = probe.order;
    assert.equal(probe.settle(one as string), true);
    await world.quiet();
    assert.equal(drained, false, "drain waits for the second one");
    assert.equal(probe.handOuts.length, 2, "drain hands out nothing more");
    assert.equal(probe.settle(two as string), true);
    await world.within(draining, "drain() after the last verdict");
    await world.within(probe.finished(), "ending the iteration");

    const next = await world.watch(await world.open());
    await next.until(() => next.acked.size >= 4, "the next member has acked the other four");
    if (world.limits.spontaneousDuplicates !== true) assert.ok(!next.seen.has(one as string) && !next.seen.has(two as string), "what was acked comes no more");
  },
};
