import assert from "node:assert/strict";
import { needsLease, type Scenario } from "../scenario.ts";

export const handlerLongerThanLease: Scenario = {
  name: "handler-longer-than-lease",
  title: "keeps the lease of a message in hand, so that a handler longer than the lease is the only one",
  proves: ["maxHandlingMs"],
  needs: (_capabilities, setup) => needsLease(setup),
  run: async (world) => {
    const lease = world.setup.lease;
    if (lease === undefined) throw new Error("no lease in the setup");
    const pubsub = world.own(await lease.create());
    const rival = world.own(await lease.create());
    const probe = await world.watch(pubsub, { decide: () => "hold" });
    const [message] = world.numbered(1);
    assert.ok(message !== undefined);
    await pubsub.publish(world.topic, message);
    await probe.until(() => probe.holding.size === 1, "it is in hand");
    const other = await world.watch(rival);
    await world.quiet(lease.leaseMs * 3);
    assert.equal(probe.handOuts.length, 1, "it is handed out once");
    assert.equal(probe.settle(message.id), true, "the verdict holds after three times the lease");
    await probe.subscription.flush();
    assert.deepEqual([...other.seen], [], "nobody else was given the message");
  },
};
