import assert from "node:assert/strict";
import { DueTimes } from "../due-times.ts";
import { allOf, need, needsDelay, needsGroups, type Scenario } from "../scenario.ts";

export const heldBackSurvivesRestart: Scenario = {
  name: "held-back-survives-restart",
  title: "loses no message that is held back when the broker restarts, and hands none out early",
  alone: true,
  timeoutMs: 180_000,
  needs: (capabilities, setup) =>
    allOf(
      needsDelay(capabilities),
      need(capabilities.durable, "the adapter is not durable"),
      needsGroups(capabilities),
      need(setup.faults?.restartBroker, "the setup cannot restart the broker"),
    ),
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { maxInFlight: 100, orderBy: "none" });
    const { messages } = new DueTimes(
      world,
      Array.from({ length: 200 }, (_, index) => 500 + index * 60),
    );
    await pubsub.publish(world.topic, messages);
    await world.setup.faults?.restartBroker?.();
    await probe.until(() => messages.every(({ id }) => probe.acked.has(id)), "all 200 are acked", world.patienceMs * 4);
    const due = new Map(messages.map(({ id, dueAt }) => [id, dueAt?.getTime() ?? 0]));
    assert.ok(
      probe.handOuts.every(({ id, at }) => at >= (due.get(id) ?? 0)),
      "none is handed out early",
    );
  },
};
