import assert from "node:assert/strict";
import { Message } from "../../message/index.ts";
import { needsAdmin, type Scenario } from "../scenario.ts";

export const adminSeekToAPlace: Scenario = {
  name: "admin-seek-to-a-place",
  title: "moves a group to a time, and to the position of a message",
  needs: (_capabilities, setup) => needsAdmin(setup, "seek"),
  run: async (world) => {
    const pubsub = await world.open();
    const seek = world.ask(pubsub, "seek");
    const reader = await world.watch(pubsub);
    const times: number[] = [];
    // Published one by one until the broker's own clock has moved on: no assumption about its resolution.
    for (let count = 1; times.length < 2 || times.at(-1) === times[0]; count++) {
      await pubsub.publish(world.topic, new Message(String(count), { key: "k" }));
      await reader.until(() => reader.acked.size >= count, `message ${count} is acked`);
      const publishedAt = reader.handOuts.at(-1)?.message.delivery.publishedAt;
      assert.ok(publishedAt instanceof Date, "an adapter that can replay says when a message was published");
      times.push(publishedAt.getTime());
      await world.quiet(1);
    }
    const last = reader.handOuts.at(-1)?.message;
    const [oldest, newest] = [reader.order[0] as string, last?.id as string];
    const position = last?.delivery.position;
    assert.ok(position !== undefined, "an adapter that can replay says where a message stands");
    await world.within(reader.subscription.close(), "close()");
    for (const to of [{ time: new Date(times.at(-1) as number) }, { position }]) {
      await seek(world.topic, world.group as string, to);
      const probe = await world.watch(await world.open());
      await probe.until(() => probe.acked.has(newest), "the message of that place is acked");
      assert.ok(!probe.seen.has(oldest), "an older one is not handed out");
      await world.within(probe.subscription.close(), "close()");
    }
  },
};
