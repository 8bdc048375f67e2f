import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { allOf, need, needsOrder, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const orderPerKeyUnderConcurrency: Scenario = {
  name: "order-per-key-under-concurrency",
  title: "keeps the order of each key at 16 in flight, with at most one message of a key at a time",
  proves: ["ordering", "keys"],
  needs: (capabilities) => allOf(needsOrder(capabilities), need(capabilities.keys, "the adapter carries no keys")),
  run: async (world) => {
    const pubsub = await world.open();
    const running = new Map<string, string>();
    const finished = new Map<string, number[]>();
    const probe = await world.watch(pubsub, {
      maxInFlight: 16,
      decide: async ({ message, id }): Promise<"ack"> => {
        const key = message.key ?? "none";
        assert.equal(running.get(key), undefined, `key ${key}: ${id} is handed out while another of its key is unsettled`);
        running.set(key, id);
        await Promise.resolve(); // let others of the subscription go on
        await world.quiet(Number(message.text()) % 3);
        running.delete(key);
        finished.set(key, [...(finished.get(key) ?? []), Number(message.text())]);
        return "ack";
      },
    });
    const messages = world.numbered(400, { key: (index) => `k${(index * 7) % 20}` });
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= messages.length, "all 400 are acked");
    assertSameIds(probe.seen, idsOf(messages), "messages delivered");
    assert.equal(finished.size, 20, "every key arrives with its messages");
    for (const [key, numbers] of finished) {
      const distinct = [...new Set(numbers)];
      assert.deepEqual(
        distinct,
        distinct.toSorted((a, b) => a - b),
        `order of ${key}`,
      );
    }
  },
};
