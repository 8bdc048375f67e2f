import assert from "node:assert/strict";
import { openProxied } from "../proxied.ts";
import { needsProxy, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const publishDuringOutage: Scenario = {
  name: "publish-during-outage",
  title: "keeps a publish waiting during an outage and confirms it afterwards, and shows the outage in its status",
  timeoutMs: 120_000,
  needs: (_capabilities, setup) => needsProxy(setup),
  run: async (world) => {
    const { pubsub, proxy } = await openProxied(world);
    const probe = await world.watch(pubsub, { maxInFlight: 10, orderBy: "none" });
    const first = world.numbered(5);
    await pubsub.publish(world.topic, first);
    await probe.until(() => probe.acked.size >= 5, "the first five are acked");
    proxy.refuse();
    await world.eventually(
      () => probe.subscription.status().state === "reconnecting",
      () => `the status shows the outage, not ${probe.subscription.status().state}`,
    );
    await world.quiet(100); // what is written to a connection before its end is seen is unknown, and may fail
    const during = world.numbered(5, { from: 5 });
    let confirmed = false;
    const publishing = pubsub.publish(world.topic, during).then(() => {
      confirmed = true;
    });
    publishing.catch(() => {});
    await world.quiet(200);
    assert.equal(confirmed, false, "nothing is confirmed while no broker is reachable");
    assert.equal(probe.subscription.status().state, "reconnecting", "the subscription does not give up");
    proxy.heal();
    await world.within(publishing, "the publish after the outage", world.patienceMs * 2);
    await probe.until(() => idsOf(during).every((id) => probe.acked.has(id)), "what was published during the outage is acked", world.patienceMs * 2);
    assert.equal(probe.subscription.status().state, "running");
  },
};
