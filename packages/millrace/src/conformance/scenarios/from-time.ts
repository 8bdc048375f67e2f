import assert from "node:assert/strict";
import { Message } from "../../message/index.ts";
import { needsReplay, type Scenario } from "../scenario.ts";

export const fromTime: Scenario = {
  name: "from-time",
  title: "begins at the first message published at or after a time",
  proves: ["replay"],
  needs: needsReplay,
  run: async (world) => {
    const pubsub = await world.open();
    const reader = await world.watch(pubsub, { group: world.groupNamed("reader") });
    const times: number[] = [];
    // Published one by one until the broker's own clock has moved on: no assumption about its resolution.
    for (let count = 1; times.length < 2 || times.at(-1) === times[0]; count++) {
      await pubsub.publish(world.topic, new Message(String(count)));
      await reader.until(() => reader.acked.size >= count, `message ${count} is acked`);
      const publishedAt = reader.handOuts.at(-1)?.message.delivery.publishedAt;
      assert.ok(publishedAt instanceof Date, "an adapter that can replay says when a message was published");
      times.push(publishedAt.getTime());
      await world.quiet(1);
    }
    const time = new Date(times.at(-1) as number);
    const probe = await world.watch(pubsub, { group: world.groupNamed("time"), from: { time } });
    const [first, last] = [reader.order[0] as string, reader.order.at(-1) as string];
    const marker = new Message("marker");
    await pubsub.publish(world.topic, marker);
    await probe.until(() => probe.acked.has(marker.id), "the marker is acked");
    assert.ok(probe.seen.has(last), "the message of that time is handed out");
    assert.ok(!probe.seen.has(first), "an older one is not");
  },
};
