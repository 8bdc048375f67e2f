import { assertSameIds } from "../ids.ts";
import { allOf, need, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const brokerRestart: Scenario = {
  name: "broker-restart",
  title: "loses no confirmed message when the broker restarts, and goes on by itself",
  proves: ["durable"],
  alone: true,
  timeoutMs: 180_000,
  needs: (capabilities, setup) =>
    allOf(need(capabilities.durable, "the adapter is not durable"), need(setup.faults?.restartBroker, "the setup cannot restart the broker")),
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { maxInFlight: 10, orderBy: "none" });
    const before = world.numbered(100);
    await pubsub.publish(world.topic, before);
    await world.setup.faults?.restartBroker?.();
    const after = world.numbered(100, { from: 100 });
    await pubsub.publish(world.topic, after);
    await probe.until(() => probe.acked.size >= 200, "all 200 are acked", world.patienceMs * 4);
    assertSameIds(probe.acked, idsOf([...before, ...after]), "messages acked");
  },
};
