import assert from "node:assert/strict";
import { assertNoRepeat, assertSameIds } from "../ids.ts";
import type { Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const publishSubscribe: Scenario = {
  name: "publish-subscribe",
  title: "delivers every message of one batch with its payload and metadata, and ends the iteration when it closes",
  proves: ["consumerGroups"],
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const messages = world.numbered(100);
    if (world.group !== undefined) await pubsub.publish(world.topic, messages);
    const probe = await world.watch(pubsub);
    if (world.group === undefined) await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= messages.length, "all 100 are acked");

    const [marker] = world.numbered(1, { from: 100 });
    assert.ok(marker !== undefined);
    await pubsub.publish(world.topic, marker);
    await probe.until(() => probe.acked.has(marker.id), "the marker is acked");

    assertSameIds(probe.seen, idsOf([...messages, marker]), "messages delivered");
    if (world.limits.spontaneousDuplicates !== true) assertNoRepeat(idsOf(probe.handOuts), "hand-outs without any fault");
    const sent = new Map([...messages, marker].map((message) => [message.id, message]));
    for (const { message } of probe.handOuts) {
      assert.deepEqual([...message.payload], [...(sent.get(message.id)?.payload ?? [])], `payload of ${message.id}`);
      assert.equal(message.metadata.get("test"), message.text(), `metadata of ${message.id}`);
      assert.equal(message.delivery.topic, world.topic);
    }
    await world.within(probe.subscription.close(), "close()");
    await world.within(probe.finished(), "ending the iteration after close()");
    await world.within(probe.subscription.closed, "resolving `closed` after close()");
  },
};
