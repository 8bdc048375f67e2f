import assert from "node:assert/strict";
import { needsGroups, type Scenario } from "../scenario.ts";

export const flush: Scenario = {
  name: "flush",
  title: "resolves flush when every verdict so far is durable, also when there is none",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const probe = await world.watch(pubsub);
    await world.within(probe.subscription.flush(), "flushing nothing");
    const messages = world.numbered(10);
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= 10, "all ten are acked");
    await world.within(probe.subscription.flush(), "flushing ten verdicts");
    // Asked at once and elsewhere: what counts is what the broker knows by now.
    if (world.setup.admin?.includes("lag") === true) {
      const { messages: left } = await world.ask(await world.open(), "lag")(world.topic, world.group as string);
      assert.equal(left, 0, "when flush resolves, the broker knows of every ack");
    }
    await probe.subscription[Symbol.asyncDispose]();
    const next = await world.watch(await world.open());
    const [marker] = world.numbered(1, { from: 10 });
    assert.ok(marker !== undefined);
    await pubsub.publish(world.topic, marker);
    await next.until(() => next.acked.has(marker.id), "the marker is acked");
    if (world.limits.spontaneousDuplicates !== true) assert.deepEqual([...next.seen], [marker.id], "nothing flushed comes again");
  },
};
