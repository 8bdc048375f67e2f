import assert from "node:assert/strict";
import type { PubSub, UndecodableRecord } from "../../message/index.ts";
import { allOf, need, needsGroups, type Scenario } from "../scenario.ts";

export const undecodableComesOnce: Scenario = {
  name: "undecodable-comes-once",
  title: "gives bytes that cannot be decoded to the dead letter once, raw, and never again: not after a lease, not to the next member",
  needs: (capabilities, setup) => allOf(needsGroups(capabilities), need(setup.faults?.putUndecodable, "the setup cannot put undecodable bytes on a topic")),
  run: async (world) => {
    const { lease } = world.setup;
    const open = async (): Promise<PubSub> => (lease === undefined ? await world.open() : world.own(await lease.create()));
    const pubsub = await open();
    const first: UndecodableRecord[] = [];
    const probe = await world.watch(pubsub, { maxInFlight: 4, undecodable: async (record) => void first.push(record) });
    await pubsub.publish(world.topic, world.numbered(1));
    for (let times = 0; times < 3; times++) await world.setup.faults?.putUndecodable?.(world.topic);
    await pubsub.publish(world.topic, world.numbered(1, { from: 1 }));
    await world.eventually(
      () => first.length >= 3 && probe.acked.size === 2,
      () => `three dead letters and two messages, not ${first.length} and ${probe.acked.size}`,
    );
    for (const { topic, payload } of first) {
      assert.equal(topic, world.topic);
      assert.ok(payload instanceof Uint8Array && payload.length > 0, "a dead letter has the bytes as they came");
    }
    if (lease !== undefined) await world.quiet(lease.leaseMs * 1.5);
    await world.within(probe.subscription.flush(), "flush()");
    await world.within(probe.subscription[Symbol.asyncDispose](), "disposing");
    const again: UndecodableRecord[] = [];
    const next = await world.watch(await open(), { undecodable: async (record) => void again.push(record) });
    await pubsub.publish(world.topic, world.numbered(1, { from: 2 }));
    await next.until(() => next.acked.size >= 1, "the marker is acked");
    assert.equal(first.length, 3, "none comes again to the member that had them");
    assert.deepEqual(again, [], "none comes to the next member");
  },
};
