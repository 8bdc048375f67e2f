import { openProxied } from "../proxied.ts";
import { needsProxy, type Scenario } from "../scenario.ts";

export const closeWhileBrokerIsDown: Scenario = {
  name: "close-while-broker-is-down",
  title: "closes within its drain time while the broker cannot be reached",
  timeoutMs: 120_000,
  needs: (_capabilities, setup) => needsProxy(setup),
  run: async (world) => {
    const { pubsub, proxy } = await openProxied(world);
    const probe = await world.watch(pubsub, { decide: () => "hold" });
    await pubsub.publish(world.topic, world.numbered(2));
    await probe.until(() => probe.holding.size === 1, "one is in hand");
    proxy.refuse();
    world.unsettled = true;
    probe.settle(probe.order[0] as string);
    // What could not be flushed is named by a SettleError; that it ends is what counts here.
    await world.within(
      probe.subscription.drain({ timeoutMs: 1000 }).catch(() => {}),
      "drain() with the broker down",
      10_000,
    );
    await world.within(
      pubsub.close().catch(() => {}),
      "close() with the broker down",
      35_000,
    );
  },
};
