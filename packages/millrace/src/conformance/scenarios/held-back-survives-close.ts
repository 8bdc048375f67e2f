import { DueTimes } from "../due-times.ts";
import { allOf, need, needsDelay, needsGroups, needsInstances, type Scenario } from "../scenario.ts";

export const heldBackSurvivesClose: Scenario = {
  name: "held-back-survives-close",
  title: "holds messages back, and hands them out in time, when the instance that published them has closed",
  needs: (capabilities, setup) =>
    allOf(needsDelay(capabilities), need(capabilities.durable, "the adapter is not durable"), needsGroups(capabilities), needsInstances(setup)),
  run: async (world) => {
    const publisher = await world.open();
    await world.prepare(publisher);
    const due = new DueTimes(world, [1_500 * world.pace, 1_800 * world.pace]);
    const [early] = world.numbered(1, { from: 100 });
    // Due while nobody may be there: late, but not lost.
    await publisher.publish(world.topic, [...due.messages, ...(early === undefined ? [] : [early.copy({ delayMs: 50 })])]);
    await publisher.close();
    const probe = await world.watch(await world.open(), { maxInFlight: 10, orderBy: "none" });
    await probe.until(() => early !== undefined && probe.acked.has(early.id), "what was due meanwhile is acked");
    await due.seenBy(probe);
  },
};
