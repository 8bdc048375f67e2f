import assert from "node:assert/strict";
import { wallMs } from "../../internal/timers.ts";
import { Message } from "../../message/index.ts";
import { assertSameOrder } from "../ids.ts";
import type { Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const duePassesAtOnce: Scenario = {
  name: "due-passes-at-once",
  title: "lets a message pass at once that is due or overdue, in its place among the others",
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const [first, last] = world.numbered(2);
    const overdue = new Message("overdue", { deliverAt: new Date(wallMs() - 60_000) });
    const due = new Message("due", { delayMs: 0 });
    const messages = [first, overdue, due, last].flatMap((message) => message ?? []);
    await pubsub.publish(world.topic, messages);
    await pubsub.publish(world.topic, overdue.copy({ id: "again" }));
    await probe.until(() => probe.acked.size >= 5, "all five are acked");
    if (world.capabilities.ordering !== "none") assertSameOrder(probe.order.slice(0, 4), idsOf(messages), "messages of one call");
    // What was held back once may be published again as it is.
    const received = probe.handOuts.find(({ id }) => id === overdue.id)?.message;
    assert.ok(received !== undefined);
    await pubsub.publish(world.topic, received);
    await probe.until(() => probe.attemptsOf(overdue.id).length >= 2, "it is handed out again");
  },
};
