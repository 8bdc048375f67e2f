import { assertSameIds } from "../ids.ts";
import { confirmedOf, openProxied, outcomeOf } from "../proxied.ts";
import { needsProxy, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const cutConnection: Scenario = {
  name: "cut-connection",
  title: "loses nothing when its connections are cut five times while it publishes and reads",
  timeoutMs: 120_000,
  needs: (_capabilities, setup) => needsProxy(setup),
  run: async (world) => {
    const { pubsub, proxy } = await openProxied(world);
    const probe = await world.watch(pubsub, { maxInFlight: 10, orderBy: "none" });
    const confirmed: string[] = [];
    for (let round = 0; round < 5; round++) {
      const messages = world.numbered(20, { from: round * 20 });
      const publishing = pubsub.publish(world.topic, messages);
      proxy.cut();
      confirmed.push(...confirmedOf(messages, await outcomeOf(publishing)));
      const expected = [...confirmed];
      await probe.until(() => expected.every((id) => probe.acked.has(id)), `round ${round}: everything confirmed is acked`, world.patienceMs * 2);
    }
    const last = world.numbered(20, { from: 100 });
    await pubsub.publish(world.topic, last);
    confirmed.push(...idsOf(last));
    await probe.until(() => confirmed.every((id) => probe.acked.has(id)), "everything confirmed is acked", world.patienceMs * 2);
    assertSameIds(
      confirmed.filter((id) => probe.acked.has(id)),
      confirmed,
      "confirmed messages that were acked",
    );
  },
};
