import { needsGroups, type Scenario } from "../scenario.ts";

export const prompt: Scenario = {
  name: "prompt",
  title: "hands a message out within a moment: to a member that joins, to one that waits, and to the next one when a member has left",
  needs: needsGroups,
  run: async (world) => {
    const publisher = await world.open();
    await world.prepare(publisher);
    await publisher.publish(world.topic, world.numbered(1));
    const first = await world.watch(await world.open(), { decide: ({ message }) => (message.text() === "0" ? "ack" : "hold") });
    await world.promptly(() => first.acked.size === 1, "the member that joined has the message that was there");
    await publisher.publish(world.topic, world.numbered(1, { from: 1 }));
    await world.promptly(() => first.holding.size === 1, "the member that waited has the second one");
    await world.within(first.subscription[Symbol.asyncDispose](), "disposing");
    const next = await world.watch(await world.open());
    await world.promptly(() => next.acked.size === 1, "the next member has what the first one had in hand");
  },
};
