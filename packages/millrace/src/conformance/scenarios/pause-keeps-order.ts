import assert from "node:assert/strict";
import { allOf, needsGroups, needsOrder, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

/** More than is held ahead at the first of the pauses, which are at these hand-outs. */
const BACKLOG = 2_000;
const PAUSES: readonly number[] = [2, 9, 60, 700];

export const pauseKeepsOrder: Scenario = {
  name: "pause-keeps-order",
  title: "keeps the order over pause and resume: what was given back comes before what had not been fetched",
  proves: ["ordering"],
  needs: (capabilities) => allOf(needsGroups(capabilities), needsOrder(capabilities)),
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const messages = world.numbered(BACKLOG, { key: () => "one" });
    await pubsub.publish(world.topic, messages);
    const probe = await world.watch(pubsub, {
      decide: ({ index }, { subscription }) => {
        if (PAUSES.includes(index)) subscription.pause();
        return "ack";
      },
    });
    for (const pause of PAUSES) {
      await probe.until(() => probe.acked.size > pause, `it is paused behind message ${pause}`);
      await world.eventually(
        () => probe.subscription.status().held === 0,
        () => "what was held is given back",
      );
      probe.subscription.resume();
    }
    await probe.until(() => probe.acked.size >= BACKLOG, `all ${BACKLOG} are acked`);
    assert.deepEqual(idsOf(probe.handOuts), idsOf(messages), "each is handed out once, in the order of publishing");
    assert.ok(
      probe.handOuts.every(({ attempt }) => attempt === 1),
      "giving back never raises the attempt",
    );
  },
};
