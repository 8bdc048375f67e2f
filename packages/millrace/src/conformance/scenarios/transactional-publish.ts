import { assertSameIds } from "../ids.ts";
import { allOf, need, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const transactionalPublish: Scenario = {
  name: "transactional-publish",
  title: "delivers what a committed transaction published and nothing of one rolled back",
  proves: ["transactionalPublish"],
  needs: (capabilities, setup) =>
    allOf(
      need(capabilities.transactionalPublish, "the adapter has no transactions"),
      need(setup.publishInTransaction, "the setup has no publishInTransaction"),
    ),
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const kept = world.numbered(5);
    await world.setup.publishInTransaction?.(world.topic, world.numbered(5, { from: 100 }), "rollback");
    await world.setup.publishInTransaction?.(world.topic, kept, "commit");
    await probe.until(() => probe.acked.size >= 5, "the committed ones are acked");
    assertSameIds(probe.seen, idsOf(kept), "messages of the committed transaction");
  },
};
