import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

const ROUNDS = 6;
const PER_ROUND = 20;

export const closeUnderArrivals: Scenario = {
  name: "close-under-arrivals",
  title: "gives to the next member what reaches it while it closes",
  needs: needsGroups,
  run: async (world) => {
    const publisher = await world.open();
    await world.prepare(publisher);
    const messages = world.numbered(ROUNDS * PER_ROUND);
    const acked = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const probe = await world.watch(await world.open());
      const publishing = publisher.publish(world.topic, messages.slice(round * PER_ROUND, (round + 1) * PER_ROUND));
      if (round % 2 === 0) await publishing;
      await world.within(probe.subscription.close(), "close()");
      await publishing;
      for (const id of probe.acked) acked.add(id);
    }
    const next = await world.watch(await world.open());
    const rest = idsOf(messages).filter((id) => !acked.has(id));
    await next.until(() => rest.every((id) => next.acked.has(id)), "the next member has acked what the others left");
    assertSameIds([...acked, ...next.acked], idsOf(messages), "messages acked by all members");
  },
};
