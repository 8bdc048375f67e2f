import { lagIs } from "../lag.ts";
import { needsGroups, type Scenario } from "../scenario.ts";

export const reportsLagOfAllMembers: Scenario = {
  name: "reports-lag-of-all-members",
  title: "tells every member the lag of the whole group, whoever works it off, also one that is paused",
  needs: needsGroups,
  run: async (world) => {
    let open = false;
    const decide = (): "ack" | "hold" => (open ? "ack" : "hold");
    const members = [await world.watch(await world.open(), { decide }), await world.watch(await world.open(), { decide })];
    let left = 20;
    await (await world.open()).publish(world.topic, world.numbered(left));
    for (const { subscription } of members) await lagIs(world, subscription, left);
    for (const paused of [undefined, ...members]) {
      // Which of them has the messages is the broker's choice.
      await world.until(() => members.some(({ holding }) => holding.size > 0), "a message is in hand");
      paused?.subscription.pause();
      for (const member of members) for (const id of [...member.holding.keys()]) if (member.settle(id)) left--;
      for (const { subscription } of members) await lagIs(world, subscription, left);
      paused?.subscription.resume();
    }
    open = true;
    for (const member of members) for (const id of [...member.holding.keys()]) member.settle(id);
    await world.until(
      () => members.every(({ holding }) => holding.size === 0) && members.reduce((sum, { acked }) => sum + acked.size, 0) >= 20,
      "all are acked",
    );
    for (const { subscription } of members) await lagIs(world, subscription, 0);
  },
};
