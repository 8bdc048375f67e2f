import { assertSameIds } from "../ids.ts";
import { needsReplay, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const fromEarliest: Scenario = {
  name: "from-earliest",
  title: "begins a new group at the earliest message, by default and when told to",
  proves: ["replay"],
  needs: needsReplay,
  run: async (world) => {
    const pubsub = await world.open();
    const messages = world.numbered(20);
    await pubsub.publish(world.topic, messages.slice(0, 10));
    const byDefault = await world.watch(pubsub, { group: world.groupNamed("default") });
    await pubsub.publish(world.topic, messages.slice(10));
    const told = await world.watch(await world.open(), { group: world.groupNamed("told"), from: "earliest" });
    await world.until(() => byDefault.acked.size >= 20 && told.acked.size >= 20, "both new groups have acked all 20");
    for (const probe of [byDefault, told]) assertSameIds(probe.seen, idsOf(messages), "messages of a new group");
  },
};
