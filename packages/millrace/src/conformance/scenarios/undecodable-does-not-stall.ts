import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { need, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const undecodableDoesNotStall: Scenario = {
  name: "undecodable-does-not-stall",
  title: "delivers what comes before and behind bytes that cannot be decoded",
  needs: (_capabilities, setup) => need(setup.faults?.putUndecodable, "the setup cannot put undecodable bytes on a topic"),
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const before = world.numbered(5);
    const behind = world.numbered(5, { from: 5 });
    const put = async (): Promise<void> => {
      await pubsub.publish(world.topic, before);
      for (let times = 0; times < 5; times++) await world.setup.faults?.putUndecodable?.(world.topic);
      await pubsub.publish(world.topic, behind);
    };
    // Where there are groups everything is there before the reading begins: good and bad are fetched together.
    if (world.group !== undefined) await put();
    const probe = await world.watch(pubsub, { maxInFlight: 4 });
    if (world.group === undefined) await put();
    await probe.until(() => probe.acked.size >= 10, "all ten good ones are acked");
    assertSameIds(probe.seen, idsOf([...before, ...behind]), "messages delivered");
    const [marker] = world.numbered(1, { from: 10 });
    assert.ok(marker !== undefined);
    await pubsub.publish(world.topic, marker);
    await probe.until(() => probe.acked.has(marker.id), "what comes later is acked too");
    assert.equal(probe.subscription.status().state, "running");
  },
};
