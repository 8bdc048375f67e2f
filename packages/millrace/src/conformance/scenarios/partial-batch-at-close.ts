import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const partialBatchAtClose: Scenario = {
  name: "partial-batch-at-close",
  title: "keeps what was acked and gives the rest to the next member when it is disposed in the middle of a batch",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const messages = world.numbered(25, { key: (index) => `k${index}` });
    await pubsub.publish(world.topic, messages);
    const first = await world.watch(await world.open(), { maxInFlight: 10, decide: () => "hold" });
    await first.until(() => first.holding.size >= 10, "ten are handed out");
    const done = first.order.slice(0, 5);
    for (const id of done) assert.equal(first.settle(id), true, `the ack of ${id} holds`);
    await first.subscription[Symbol.asyncDispose]();

    const second = await world.watch(await world.open());
    const rest = idsOf(messages).filter((id) => !done.includes(id));
    await second.until(() => rest.every((id) => second.acked.has(id)), "the next member has acked the other 20");
    if (world.limits.spontaneousDuplicates !== true) assertSameIds(second.seen, rest, "messages of the next member");
  },
};
