import assert from "node:assert/strict";
import { needsReplay, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const fromLatest: Scenario = {
  name: "from-latest",
  title: 'begins at what is published after the subscription, when told "latest"',
  needs: needsReplay,
  run: async (world) => {
    const pubsub = await world.open();
    const old = world.numbered(5);
    await pubsub.publish(world.topic, old);
    const probe = await world.watch(pubsub, { from: "latest" });
    const fresh = world.numbered(5, { from: 5 });
    await pubsub.publish(world.topic, fresh);
    await probe.until(() => idsOf(fresh).every((id) => probe.acked.has(id)), "the five fresh ones are acked");
    assert.deepEqual(
      probe.order.filter((id) => idsOf(old).includes(id)),
      [],
      "nothing older is handed out",
    );
  },
};
