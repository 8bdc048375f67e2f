import assert from "node:assert/strict";
import { DueTimes } from "../due-times.ts";
import { assertSameIds, assertSameOrder } from "../ids.ts";
import { needsDelay, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const heldBackHoldsNobodyUp: Scenario = {
  name: "held-back-holds-nobody-up",
  title: "hands out what is published behind a message that is held back, in its order, and keeps it settled",
  needs: needsDelay,
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const due = new DueTimes(world, [3_000 * world.pace, 3_000 * world.pace]);
    const [first, last] = due.messages;
    const others = world.numbered(20, { from: 100 });
    await pubsub.publish(
      world.topic,
      [first, ...others.slice(0, 10), last].flatMap((message) => message ?? []),
    );
    await pubsub.publish(world.topic, others.slice(10));
    const before = await world.watch(pubsub);
    await before.until(() => others.every(({ id }) => before.acked.has(id)), "all others are acked");
    assert.ok(
      due.messages.every(({ id }) => !before.seen.has(id)),
      "a delayed message was handed out before others that had no delay",
    );
    if (world.capabilities.ordering !== "none") assertSameOrder(before.order, idsOf(others), "messages without a delay");
    await before.subscription.flush();
    if (!world.capabilities.consumerGroups) return;
    await before.subscription[Symbol.asyncDispose]();
    const after = await world.watch(pubsub, { maxInFlight: 2, orderBy: "none" });
    await due.seenBy(after);
    assertSameIds(after.seen, idsOf(due.messages), "messages of the next member");
  },
};
