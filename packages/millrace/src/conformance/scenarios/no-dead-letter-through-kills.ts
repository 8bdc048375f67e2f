import { assertSameIds } from "../ids.ts";
import { allOf, needsGroups, needsWorker, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

/** Processes killed in one go: they share the messages, and the next ones wait for one lease instead of five. */
const AT_ONCE = 5;

export const noDeadLetterThroughKills: Scenario = {
  name: "no-dead-letter-through-kills",
  title: "loses and dead-letters none of the prefetched messages through 25 kills",
  timeoutMs: 300_000,
  alone: true,
  needs: (capabilities, setup) => allOf(needsGroups(capabilities), needsWorker(setup)),
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const messages = world.numbered(50, { key: (index) => `k${index}` });
    await pubsub.publish(world.topic, messages);
    const kills = world.limits.kills ?? 25;
    for (let kill = 0; kill < kills; kill += AT_ONCE) {
      const count = Math.min(AT_ONCE, kills - kill);
      const workers = await Promise.all(Array.from({ length: count }, () => world.worker({ maxInFlight: 10, shortLease: true })));
      await world.until(() => workers.some(({ received }) => received.length > 0), `a worker has messages in hand before kill ${kill}`, world.patienceMs * 4);
      await Promise.all(workers.map((worker) => worker.kill()));
    }
    const probe = await world.watch(pubsub);
    await probe.until(() => probe.acked.size >= 50, "all 50 are acked after the kills", world.patienceMs * 4);
    assertSameIds(probe.acked, idsOf(messages), "messages acked");
  },
};
