import assert from "node:assert/strict";
import { allOf, needsGroups, needsLease, needsWorker, type Scenario } from "../scenario.ts";

export const frozenBeyondLease: Scenario = {
  name: "frozen-beyond-lease",
  title: "refuses the verdict of a process that was frozen beyond its lease, whose message another one has handled",
  timeoutMs: 120_000,
  needs: (capabilities, setup) => allOf(needsGroups(capabilities), needsWorker(setup), needsLease(setup)),
  run: async (world) => {
    const pubsub = world.own(await (world.setup.lease ?? world.setup).create());
    await world.prepare(pubsub);
    const worker = await world.worker({ shortLease: true });
    const [message] = world.numbered(1);
    assert.ok(message !== undefined);
    await pubsub.publish(world.topic, message);
    await world.until(() => worker.received.includes(message.id), "the worker holds it");
    await worker.freeze();
    const probe = await world.watch(pubsub);
    await probe.until(() => probe.acked.has(message.id), "another member is given it after the lease", world.patienceMs * 2);
    worker.wake();
    worker.tell({ order: "ack", id: message.id });
    await world.until(() => worker.verdictHolds(message.id) !== undefined, "the woken worker has tried to ack");
    assert.equal(worker.verdictHolds(message.id), false, "the late ack is refused");
    // What the woken one may commit must not take the group back.
    const marker = world.numbered(1, { from: 1 })[0];
    assert.ok(marker !== undefined);
    await pubsub.publish(world.topic, marker);
    await world.until(() => probe.acked.has(marker.id) || worker.received.includes(marker.id), "the group goes on");
    assert.deepEqual(probe.attemptsOf(message.id).length, 1, "it is handled once by the other member");
  },
};
