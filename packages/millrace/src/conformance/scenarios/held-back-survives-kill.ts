import { wallMs } from "../../internal/timers.ts";
import { DueTimes } from "../due-times.ts";
import { allOf, need, needsDelay, needsGroups, needsWorker, type Scenario } from "../scenario.ts";

export const heldBackSurvivesKill: Scenario = {
  name: "held-back-survives-kill",
  title: "holds messages back, and hands them out in time, when the process that published them was killed",
  proves: ["durable"],
  timeoutMs: 120_000,
  needs: (capabilities, setup) =>
    allOf(needsDelay(capabilities), need(capabilities.durable, "the adapter is not durable"), needsGroups(capabilities), needsWorker(setup)),
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const probe = await world.watch(pubsub, { maxInFlight: 10, orderBy: "none" });
    // In a group of its own: it is here to publish and to die.
    const worker = await world.worker({ group: world.groupNamed("worker") });
    const due = new DueTimes(world, [1_500 * world.pace, 1_800 * world.pace, 2_100 * world.pace]);
    const messages = due.messages.map((message) => ({ id: message.id, text: message.text(), dueMs: message.dueAt?.getTime() ?? wallMs() }));
    worker.tell({ order: "publish", messages });
    await world.until(() => worker.has("published"), "the worker has published");
    await worker.kill();
    await due.seenBy(probe);
  },
};
