import assert from "node:assert/strict";
import { MillraceError } from "../../errors/index.ts";
import { openProxied } from "../proxied.ts";
import { allOf, needsGroups, needsLease, needsProxy, type Scenario } from "../scenario.ts";

export const lostLease: Scenario = {
  name: "lost-lease",
  title: "tells of a delivery that was lost, while the outage lasts: its signal aborts, `settled` says so, and its verdict is refused",
  timeoutMs: 120_000,
  needs: (capabilities, setup) => allOf(needsGroups(capabilities), needsProxy(setup), needsLease(setup)),
  run: async (world) => {
    const { lease } = world.setup;
    if (lease === undefined) throw new Error("no lease in the setup");
    const rival = world.own(await lease.create());
    await world.prepare(rival);
    const { pubsub, proxy } = await openProxied(world, { shortLease: true });
    const probe = await world.watch(pubsub, { decide: () => "hold" });
    const [message] = world.numbered(1);
    assert.ok(message !== undefined);
    await rival.publish(world.topic, message);
    await probe.until(() => probe.holding.size === 1, "it is in hand");
    const held = probe.handOuts[0]?.message;
    assert.ok(held !== undefined);
    const { signal, settled } = held;
    proxy.refuse();
    world.unsettled = true;
    const other = await world.watch(rival);
    await other.until(() => other.acked.has(message.id), "another member is given it", world.patienceMs * 2);
    assert.equal(await world.within(settled, "resolving `settled` of the lost delivery"), "lost");
    assert.equal(signal.aborted, true, "its signal aborts");
    assert.ok(MillraceError.is(signal.reason) && signal.reason.code === "DELIVERY_LOST", `the reason is DELIVERY_LOST, not ${signal.reason}`);
    assert.equal(held.ack(), false, "a late verdict is refused");
    proxy.heal();
  },
};
