import assert from "node:assert/strict";
import { outcomeOf } from "../proxied.ts";
import { need, type Scenario } from "../scenario.ts";

export const publishRefused: Scenario = {
  name: "publish-refused",
  title: "never calls confirmed what the broker refused, and lets pass what is published to others",
  needs: (_capabilities, setup) => need(setup.faults?.refusePublishing, "the setup cannot have the broker refuse"),
  run: async (world) => {
    const pubsub = await world.open();
    const other = world.topicNamed("other");
    const probe = await world.watch(pubsub);
    const neighbour = await world.watch(pubsub, { topic: other });
    for (const topic of [world.topic, other]) await pubsub.publish(topic, world.numbered(1));
    await world.until(() => probe.acked.size === 1 && neighbour.acked.size === 1, "both topics take a message");
    await world.setup.faults?.refusePublishing?.(world.topic);
    const messages = world.numbered(3, { from: 1 });
    const refused = outcomeOf(pubsub.publish(world.topic, messages));
    const passed = outcomeOf(pubsub.publish(other, world.numbered(3, { from: 1 })));
    const outcomes = await world.within(refused, "a publish that the broker refuses", world.patienceMs * 2);
    assert.ok(outcomes !== undefined && !outcomes.includes("confirmed"), `nothing is confirmed: ${outcomes}`);
    assert.equal(await world.within(passed, "a publish beside it"), undefined, "what is published to another topic is confirmed");
    await neighbour.until(() => neighbour.acked.size === 4, "it arrives");
    for (const [index, { id }] of messages.entries()) {
      if (outcomes[index] === "rejected") assert.ok(!probe.seen.has(id), `${id} was called rejected and arrives nevertheless`);
    }
  },
};
