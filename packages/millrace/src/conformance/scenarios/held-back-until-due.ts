import { DueTimes } from "../due-times.ts";
import { needsDelay, type Scenario } from "../scenario.ts";

export const heldBackUntilDue: Scenario = {
  name: "held-back-until-due",
  title: "holds a published message back until it is due, and hardly longer",
  proves: ["maxPublishDelayMs"],
  needs: needsDelay,
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { maxInFlight: 10, orderBy: "none" });
    // Alone, one behind a longer one, and two at one moment.
    const due = new DueTimes(world, [1_800, 300, 900, 900]);
    for (const message of due.messages.slice(0, 2)) await pubsub.publish(world.topic, message);
    await pubsub.publish(world.topic, due.messages.slice(2));
    await due.seenBy(probe);
  },
};
