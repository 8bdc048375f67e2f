import assert from "node:assert/strict";
import { confirmedOf, openProxied, outcomeOf } from "../proxied.ts";
import { needsProxy, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const stalledConnection: Scenario = {
  name: "stalled-connection",
  title: "confirms nothing while its connections stand half open, and loses nothing",
  timeoutMs: 180_000,
  needs: (_capabilities, setup) => needsProxy(setup),
  run: async (world) => {
    const { pubsub, proxy } = await openProxied(world);
    const probe = await world.watch(pubsub, { maxInFlight: 10, orderBy: "none" });
    const first = world.numbered(10);
    await pubsub.publish(world.topic, first);
    await probe.until(() => probe.acked.size >= 10, "the first ten are acked");
    proxy.stall();
    const during = world.numbered(10, { from: 10 });
    let ended = false;
    const publishing = outcomeOf(pubsub.publish(world.topic, during)).finally(() => {
      ended = true;
    });
    await world.quiet(500);
    assert.equal(ended, false, "nothing is confirmed while nothing comes through");
    proxy.heal();
    const confirmed = confirmedOf(during, await publishing);
    const after = world.numbered(10, { from: 20 });
    await pubsub.publish(world.topic, after);
    const expected = [...idsOf(first), ...confirmed, ...idsOf(after)];
    await probe.until(() => expected.every((id) => probe.acked.has(id)), "everything confirmed is acked", world.patienceMs * 4);
  },
};
