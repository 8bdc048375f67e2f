import { assertSameIds } from "../ids.ts";
import type { Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const concurrentTopics: Scenario = {
  name: "concurrent-topics",
  title: "keeps ten topics apart that are subscribed to and published to at once",
  run: async (world) => {
    const pubsub = await world.open();
    await Promise.all(
      Array.from({ length: 10 }, async (_, number) => {
        const topic = world.topicNamed(`t${number}`);
        const probe = await world.watch(pubsub, { topic });
        const messages = world.numbered(20);
        await pubsub.publish(topic, messages);
        await probe.until(() => probe.acked.size >= messages.length, `topic ${number} has delivered its 20`);
        assertSameIds(probe.seen, idsOf(messages), `messages of topic ${number}`);
      }),
    );
  },
};
