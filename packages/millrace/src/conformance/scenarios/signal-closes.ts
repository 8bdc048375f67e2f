import assert from "node:assert/strict";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const signalCloses: Scenario = {
  name: "signal-closes",
  title: "closes a subscription when its signal aborts, ends the iteration normally, and loses nothing",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const stop = new AbortController();
    const probe = await world.watch(pubsub, { signal: stop.signal });
    const messages = world.numbered(20);
    const publishing = pubsub.publish(world.topic, messages);
    stop.abort();
    await world.within(probe.finished(), "ending the iteration after the abort");
    await world.within(probe.subscription.closed, "resolving `closed`");
    assert.equal(probe.failure, undefined);
    await publishing;
    const next = await world.watch(await world.open());
    await next.until(() => idsOf(messages).every((id) => probe.acked.has(id) || next.acked.has(id)), "the next member has acked the rest");

    const before = new AbortController();
    before.abort();
    const outcome = await world.within(
      pubsub.subscribe(world.topic, { group: world.group, signal: before.signal }).then(
        (subscription) => subscription.closed,
        () => undefined,
      ),
      "subscribing with an aborted signal",
    );
    assert.equal(outcome, undefined);
  },
};
