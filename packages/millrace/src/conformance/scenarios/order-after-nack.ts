import assert from "node:assert/strict";
import { allOf, needsOrder, needsRedelivery, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const orderAfterNack: Scenario = {
  name: "order-after-nack",
  title: "hands a nacked message out again before any later one of its lane",
  proves: ["ordering"],
  needs: (capabilities) => allOf(needsOrder(capabilities), needsRedelivery(capabilities)),
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, {
      decide: ({ attempt, index }) => (attempt < 3 && index < 6 ? { delayMs: attempt * 10 } : "ack"),
    });
    const messages = world.numbered(10, { key: () => "one" });
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= 10, "all ten are acked");
    const [first, second, ...rest] = idsOf(messages);
    const expected = [first, first, first, second, second, second, ...rest];
    assert.deepEqual(idsOf(probe.handOuts), expected, "the failed message is tried again before the next one is handed out");
    assert.deepEqual(probe.attemptsOf(first as string), [1, 2, 3]);
  },
};
