import assert from "node:assert/strict";
import { allOf, need, needsOrder, needsRedelivery, type Scenario } from "../scenario.ts";

export const hotFailingKey: Scenario = {
  name: "hot-failing-key",
  title: "delivers 999 keys while one key fails over and over, then that key in order",
  needs: (capabilities) => allOf(needsOrder(capabilities), needsRedelivery(capabilities), need(capabilities.keys, "the adapter carries no keys")),
  run: async (world) => {
    const pubsub = await world.open();
    let healed = false;
    const hot: number[] = [];
    const probe = await world.watch(pubsub, {
      maxInFlight: 8,
      decide: ({ message }) => {
        if (message.key !== "hot") return "ack";
        if (!healed) return { delayMs: 5 };
        hot.push(Number(message.text()));
        return "ack";
      },
    });
    const messages = world.numbered(1004, { key: (index) => (index < 5 ? "hot" : `k${index}`) });
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= 999, "the 999 others are acked while the hot key fails");
    assert.equal(hot.length, 0);
    const first = messages[0]?.id as string;
    await probe.until(() => probe.attemptsOf(first).length >= 3, "the failing message has been tried three times");
    assert.ok(
      messages.slice(1, 5).every(({ id }) => !probe.seen.has(id)),
      "no later message of the failing key is handed out",
    );
    healed = true;
    await probe.until(() => probe.acked.size >= messages.length, "the hot key is acked too");
    assert.deepEqual([...new Set(hot)], [0, 1, 2, 3, 4]);
  },
};
