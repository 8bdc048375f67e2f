import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const closeWaitsForPublishes: Scenario = {
  name: "close-waits-for-publishes",
  title: "waits at close() for the publishes under way, which are confirmed",
  needs: needsGroups,
  run: async (world) => {
    await world.prepare(await world.open());
    const pubsub = world.setup.singleInstance === true ? await world.open() : world.own(await world.setup.create());
    const messages = world.numbered(200);
    let confirmed = 0;
    const failures: unknown[] = [];
    for (const message of messages) {
      pubsub.publish(world.topic, message).then(
        () => confirmed++,
        (error: unknown) => failures.push(error),
      );
    }
    await world.within(pubsub.close(), "close()", 40_000);
    await world.quiet(0); // whoever waited for a publish is told in a turn of his own
    assert.deepEqual(failures, [], "no publish that was under way fails");
    assert.equal(confirmed, messages.length, "all were confirmed when close() had ended");
    if (world.setup.singleInstance === true) return;
    const probe = await world.watch(await world.open());
    await probe.until(() => probe.acked.size >= messages.length, "all 200 are acked");
    assertSameIds(probe.seen, idsOf(messages), "messages delivered");
  },
};
