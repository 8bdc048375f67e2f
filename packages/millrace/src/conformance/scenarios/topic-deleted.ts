import assert from "node:assert/strict";
import { MillraceError } from "../../errors/index.ts";
import { allOf, need, needsGroups, type Scenario } from "../scenario.ts";

const AGAIN_MS = 100;

export const topicDeleted: Scenario = {
  name: "topic-deleted",
  title: "goes on by itself when its topic was deleted and made anew",
  timeoutMs: 120_000,
  needs: (capabilities, setup) => allOf(needsGroups(capabilities), need(setup.faults?.deleteTopic, "the setup cannot delete a topic")),
  run: async (world) => {
    const { deleteTopic } = world.setup.faults ?? {};
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const probe = await world.watch(pubsub);
    await pubsub.publish(world.topic, world.numbered(5));
    await probe.until(() => probe.acked.size === 5, "five of the old topic are acked");
    await deleteTopic?.(world.topic, world.group);

    // Until reader and publisher have noticed, calls may fail, and what is published may find no reader.
    const arrivals = world.numbered(600, { from: 5 })[Symbol.iterator]();
    const early = new Set<string>();
    while (![...early].some((id) => probe.acked.has(id))) {
      const { value: message } = arrivals.next();
      assert.ok(message, "one of the new topic has arrived within a minute");
      early.add(message.id);
      await pubsub.publish(world.topic, message).catch((error: unknown) => {
        if (!MillraceError.is(error)) throw error;
      });
      await world.quiet(AGAIN_MS);
    }

    const late = world.numbered(20, { from: 1000 });
    await pubsub.publish(world.topic, late);
    await probe.until(() => late.every(({ id }) => probe.acked.has(id)), "all 20 that were published afterwards are acked");
    assert.equal(probe.subscription.status().state, "running");
  },
};
