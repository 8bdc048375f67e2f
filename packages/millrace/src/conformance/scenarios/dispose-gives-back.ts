import assert from "node:assert/strict";
import { needsGroups, type Scenario } from "../scenario.ts";

export const disposeGivesBack: Scenario = {
  name: "dispose-gives-back",
  title: "gives back at once what is unsettled when it is disposed, without counting an attempt",
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const first = await world.watch(pubsub, { maxInFlight: 3, orderBy: "none", decide: () => "hold" });
    await pubsub.publish(world.topic, world.numbered(5));
    await first.until(() => first.holding.size === 3, "three are in hand");
    await world.within(first.subscription[Symbol.asyncDispose](), "disposing", 10_000);
    await world.within(first.finished(), "ending the iteration");
    for (const { message } of first.handOuts) assert.equal(message.ack(), false, "a verdict after disposal is refused");
    const second = await world.watch(await world.open());
    await world.promptly(() => second.acked.size >= 5, "the next member has acked all five");
    for (const { id, attempt } of second.handOuts) assert.equal(attempt, 1, `the attempt at which the next member has ${id}`);
  },
};
