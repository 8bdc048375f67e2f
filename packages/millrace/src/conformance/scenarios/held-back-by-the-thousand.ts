import { DueTimes } from "../due-times.ts";
import { assertSameIds } from "../ids.ts";
import { needsDelay, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

const COUNT = 1_000;
const SPREAD_MS = 2_000;

export const heldBackByTheThousand: Scenario = {
  name: "held-back-by-the-thousand",
  title: "hands out a thousand delayed messages of mixed times when each is due, none lost, none twice",
  timeoutMs: 120_000,
  needs: needsDelay,
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { maxInFlight: 100, orderBy: "none" });
    // Far enough ahead that publishing them takes no time of theirs; in no order.
    const due = new DueTimes(
      world,
      Array.from({ length: COUNT }, (_, index) => 1_500 * world.pace + ((index * 7_919) % SPREAD_MS)),
    );
    await pubsub.publish(world.topic, due.messages);
    await due.seenBy(probe);
    assertSameIds(probe.seen, idsOf(due.messages), "delayed messages");
  },
};
