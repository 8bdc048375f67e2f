import { lagIs } from "../lag.ts";
import { needsGroups, type Scenario } from "../scenario.ts";

export const reportsLagOfAllMembers: Scenario = {
  name: "reports-lag-of-all-members",
  title: "tells every member the lag of the whole group, whoever works it off",
  needs: needsGroups,
  run: async (world) => {
    let open = false;
    const decide = (): "ack" | "hold" => (open ? "ack" : "hold");
    const [one, two] = [await world.watch(await world.open(), { decide }), await world.watch(await world.open(), { decide })];
    await (await world.open()).publish(world.topic, world.numbered(20));
    for (const { subscription } of [one, two]) await lagIs(world, subscription, 20);
    two.subscription.pause();
    open = true;
    for (const probe of [one, two]) for (const id of probe.holding.keys()) probe.settle(id);
    await world.eventually(
      () => (two.subscription.status().lag ?? 0) < 20 && two.subscription.status().lag === one.subscription.status().lag,
      () => `both members tell the same lag, not ${one.subscription.status().lag} and ${two.subscription.status().lag}`,
    );
    two.subscription.resume();
    await world.until(() => one.acked.size + two.acked.size >= 20, "all are acked");
    for (const { subscription } of [one, two]) await lagIs(world, subscription, 0);
  },
};
