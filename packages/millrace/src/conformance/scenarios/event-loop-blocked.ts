import assert from "node:assert/strict";
import { allOf, needsGroups, needsLease, needsWorker, type Scenario } from "../scenario.ts";

export const eventLoopBlocked: Scenario = {
  name: "event-loop-blocked",
  title: "refuses a verdict after the event loop stood still beyond the lease and another member took over",
  timeoutMs: 120_000,
  needs: (capabilities, setup) => allOf(needsGroups(capabilities), needsWorker(setup), needsLease(setup)),
  run: async (world) => {
    const leaseMs = world.setup.lease?.leaseMs ?? 1000;
    const pubsub = world.own(await (world.setup.lease ?? world.setup).create());
    await world.prepare(pubsub);
    const worker = await world.worker({ shortLease: true });
    const [message] = world.numbered(1);
    assert.ok(message !== undefined);
    await pubsub.publish(world.topic, message);
    await world.until(() => worker.received.includes(message.id), "the worker holds it");
    worker.tell({ order: "block", ms: leaseMs * 5 });
    worker.tell({ order: "ack", id: message.id }); // obeyed in the same turn in which the loop moves again
    await world.until(() => worker.has("blocking"), "the worker's event loop stands still");
    const probe = await world.watch(pubsub);
    await world.until(() => worker.verdictHolds(message.id) !== undefined, "the worker has tried to ack", leaseMs * 5 + world.patienceMs);
    if (worker.verdictHolds(message.id) === true) {
      assert.deepEqual([...probe.seen], [], "its ack held, so nobody else was given the message");
    } else {
      await probe.until(() => probe.acked.has(message.id), "its ack was refused, so another member is given the message");
    }
  },
};
