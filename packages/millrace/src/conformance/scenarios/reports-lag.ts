import assert from "node:assert/strict";
import { lagIs } from "../lag.ts";
import type { Probe } from "../probe.ts";
import type { Scenario } from "../scenario.ts";

export const reportsLag: Scenario = {
  name: "reports-lag",
  title: "tells how many messages its group has not settled: waiting, held or in hand, paused or not",
  run: async (world) => {
    const pubsub = await world.open();
    let handled = 4;
    const probe = await world.watch(pubsub, { decide: ({ index }) => (index < handled ? "ack" : "hold") });
    const admin = async (messages: number, group = world.group): Promise<boolean> =>
      group === undefined || world.setup.admin?.includes("lag") !== true || (await world.ask(pubsub, "lag")(world.topic, group)).messages === messages;
    await lagIs(world, probe.subscription, 0);
    await pubsub.publish(world.topic, world.numbered(10));
    await probe.until(() => probe.holding.size === 1, "four are acked, the fifth is in hand");
    await lagIs(world, probe.subscription, 6);
    assertOldest(probe);
    await world.within(probe.subscription.flush(), "flush()");
    await world.eventually(
      () => admin(6),
      () => "admin says that six are not settled",
    );
    probe.subscription.pause();
    await world.eventually(
      () => probe.subscription.status().held === 0,
      () => "what was held is given back",
    );
    await lagIs(world, probe.subscription, 6);
    assertOldest(probe);
    await pubsub.publish(world.topic, world.numbered(1, { from: 10 }));
    await lagIs(world, probe.subscription, 7);
    probe.settle(probe.order[4] as string);
    await lagIs(world, probe.subscription, 6);
    handled = Number.POSITIVE_INFINITY;
    probe.subscription.resume();
    await probe.until(() => probe.acked.size >= 11, "all are acked");
    await lagIs(world, probe.subscription, 0);
    assert.equal(probe.subscription.status().oldestAt, undefined, "with nothing unsettled there is no oldest message");
    await world.within(probe.subscription.flush(), "flush()");
    await world.eventually(
      () => admin(0),
      () => "admin says that all are settled",
    );
  },
};

/** The oldest message that is not settled is the one in hand. */
function assertOldest(probe: Probe): void {
  const { oldestAt } = probe.subscription.status();
  if (oldestAt === undefined) return; // it is not known without asking
  const [inHand] = probe.holding.values();
  assert.deepEqual(oldestAt, inHand?.message.delivery.publishedAt, "the oldest unsettled message is the one in hand");
}
