import { lagIs } from "../lag.ts";
import type { Scenario } from "../scenario.ts";

export const reportsLagOfEachGroup: Scenario = {
  name: "reports-lag-of-each-group",
  title: "tells each group its own lag, also one that reads nothing",
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const idle = await world.subscribe(pubsub, { group: world.groupNamed("idle") });
    await pubsub.publish(world.topic, world.numbered(10));
    await probe.until(() => probe.acked.size >= 10, "one group has acked all");
    await lagIs(world, probe.subscription, 0);
    await lagIs(world, idle, 10);
  },
};
