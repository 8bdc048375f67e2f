import assert from "node:assert/strict";
import { openProxied } from "../proxied.ts";
import { allOf, needsGroups, needsProxy, type Scenario } from "../scenario.ts";

export const flushWaitsForTheBroker: Scenario = {
  name: "flush-waits-for-the-broker",
  title: "resolves flush only when the broker has answered, not while its answers are stalled",
  timeoutMs: 120_000,
  needs: (capabilities, setup) => allOf(needsGroups(capabilities), needsProxy(setup)),
  run: async (world) => {
    const direct = await world.open();
    await world.prepare(direct);
    const { pubsub, proxy } = await openProxied(world);
    const probe = await world.watch(pubsub, { decide: () => "hold" });
    await direct.publish(world.topic, world.numbered(1));
    await probe.until(() => probe.holding.size === 1, "one is in hand");
    proxy.stall("answers");
    assert.equal(probe.settle(probe.order[0] as string), true);
    let flushed = false;
    const flushing = probe.subscription.flush().then(() => {
      flushed = true;
    });
    flushing.catch(() => {}); // that it may do
    await world.quiet(300);
    assert.equal(flushed, false, "flush resolved although the broker has answered nothing");
    proxy.heal();
    await world.within(
      flushing.catch(() => probe.subscription.flush()),
      "flush after the stall",
    );
    await world.within(probe.subscription[Symbol.asyncDispose](), "disposing");
    const next = await world.watch(direct);
    const [marker] = world.numbered(1, { from: 1 });
    assert.ok(marker !== undefined);
    await direct.publish(world.topic, marker);
    await next.until(() => next.acked.has(marker.id), "the marker is acked");
    if (world.limits.spontaneousDuplicates !== true) assert.deepEqual([...next.seen], [marker.id], "nothing flushed comes again");
  },
};
