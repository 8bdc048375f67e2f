import { assertSameIds } from "../ids.ts";
import { need, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const undecodableDoesNotStall: Scenario = {
  name: "undecodable-does-not-stall",
  title: "delivers what comes before and behind bytes that cannot be decoded",
  needs: (_capabilities, setup) => need(setup.faults?.putUndecodable, "the setup cannot put undecodable bytes on a topic"),
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { maxInFlight: 4 });
    const before = world.numbered(5);
    await pubsub.publish(world.topic, before);
    for (let times = 0; times < 5; times++) await world.setup.faults?.putUndecodable?.(world.topic);
    const behind = world.numbered(5, { from: 5 });
    await pubsub.publish(world.topic, behind);
    await probe.until(() => probe.acked.size >= 10, "all ten good ones are acked");
    assertSameIds(probe.seen, idsOf([...before, ...behind]), "messages delivered");
  },
};
