import assert from "node:assert/strict";
import { needsGroups, type Scenario } from "../scenario.ts";

export const disposeAll: Scenario = {
  name: "dispose-all",
  title: "gives back at once what its subscriptions hold when the pub/sub is disposed",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const first = await world.watch(pubsub, { decide: () => "hold" });
    await pubsub.publish(world.topic, world.numbered(1));
    await first.until(() => first.holding.size === 1, "one is in hand");
    const disposing = pubsub[Symbol.asyncDispose]();
    await assert.rejects(world.within(pubsub.subscribe(world.topic, { group: world.group }), "subscribing meanwhile"), { code: "CLOSED" });
    await world.within(disposing, "disposing the pub/sub", 10_000);
    await world.within(first.finished(), "ending the iteration");
    assert.equal(first.handOuts[0]?.message.ack(), false, "a verdict after disposal is refused");
    if (world.setup.singleInstance) return;
    const second = await world.watch(await world.open());
    await second.until(() => second.acked.size >= 1, "the member of another pub/sub has acked it");
  },
};
