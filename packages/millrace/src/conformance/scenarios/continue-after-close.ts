import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const continueAfterClose: Scenario = {
  name: "continue-after-close",
  title: "goes on where it stopped when a subscription of the group is closed and opened again",
  needs: needsGroups,
  run: async (world) => {
    const publisher = await world.open();
    await world.prepare(publisher);
    const messages = world.numbered(50);
    await publisher.publish(world.topic, messages);
    const acked: string[] = [];
    for (let round = 0; acked.length < messages.length; round++) {
      assert.ok(round < 20, `after ${round} rounds ${acked.length} of 50 are acked`);
      const pubsub = await world.open();
      let left = 10;
      const probe = await world.watch(pubsub, { decide: () => (left-- > 0 ? "ack" : "hold") });
      const enough = Math.min(10, messages.length - acked.length);
      await probe.until(() => probe.acked.size >= enough, `round ${round} has acked ${enough}`);
      acked.push(...probe.acked);
      await probe.subscription[Symbol.asyncDispose]();
      await world.within(probe.subscription.close(), "close()");
      if (world.setup.singleInstance !== true) await world.within(pubsub.close(), "close() of the pub/sub");
    }
    assertSameIds(acked, idsOf(messages), "messages acked over all rounds");
    if (world.limits.spontaneousDuplicates !== true) assert.equal(new Set(acked).size, acked.length, "nothing that was acked and flushed comes again");
  },
};
