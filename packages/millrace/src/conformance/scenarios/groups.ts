import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const groups: Scenario = {
  name: "groups",
  title: "gives each of three groups every message",
  proves: ["consumerGroups"],
  needs: needsGroups,
  run: async (world) => {
    const pubsub = await world.open();
    const names = ["a", "b", "c"].map((name) => world.groupNamed(name));
    for (const name of names) await world.prepare(pubsub, name);
    const messages = world.numbered(50);
    await pubsub.publish(world.topic, messages);
    const probes = await Promise.all(names.map(async (group) => world.watch(await world.open(), { group })));
    await world.until(() => probes.every((probe) => probe.acked.size >= messages.length), "every group has acked all 50");
    for (const [place, probe] of probes.entries()) assertSameIds(probe.acked, idsOf(messages), `messages of group ${names[place]}`);
  },
};
