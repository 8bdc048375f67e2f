import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const concurrentSubscribe: Scenario = {
  name: "concurrent-subscribe",
  title: "hands every message of 20 concurrent publishers to one of 5 concurrent members",
  needs: needsGroups,
  run: async (world) => {
    const publisher = await world.open();
    await world.prepare(publisher);
    const members = await Promise.all(Array.from({ length: 5 }, async () => world.watch(await world.open(), { maxInFlight: 10 })));
    const messages = world.numbered(500, { key: (index) => `k${index % 50}` });
    const shares = Array.from({ length: 20 }, (_, share) => messages.filter((_message, index) => index % 20 === share));
    await Promise.all(shares.map((share) => publisher.publish(world.topic, share)));
    const acked = (): number => new Set(members.flatMap((member) => [...member.acked])).size;
    await world.until(() => acked() >= messages.length, "the five members have acked all 500");
    assertSameIds(
      members.flatMap((member) => [...member.seen]),
      idsOf(messages),
      "messages delivered to all members together",
    );
  },
};
