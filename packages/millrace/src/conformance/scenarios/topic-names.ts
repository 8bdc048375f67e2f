import assert from "node:assert/strict";
import { Message } from "../../message/index.ts";
import type { Scenario } from "../scenario.ts";

const ODD: readonly string[] = ["with.dots", "with-dashes_and_underscores", "MixedCase", `long${"g".repeat(60)}`];

export const topicNames: Scenario = {
  name: "topic-names",
  title: "keeps topics apart whose names are odd or alike",
  run: async (world) => {
    const pubsub = await world.open();
    const names = [...(world.limits.oddTopicNames ?? ODD), "alike", "alike.", "Alike"].map((name) => world.topicNamed(name));
    const distinct = [...new Set(names)];
    const probes = await Promise.all(distinct.map((topic) => world.watch(pubsub, { topic })));
    for (const topic of distinct) await pubsub.publish(topic, new Message(topic));
    await world.until(() => probes.every((probe) => probe.acked.size >= 1), "every topic has delivered its message");
    for (const [place, probe] of probes.entries()) {
      assert.deepEqual(
        probe.handOuts.map(({ message }) => message.text()),
        [distinct[place]],
        `topic ${distinct[place]} delivers its own message and no other`,
      );
      assert.equal(probe.handOuts[0]?.message.delivery.topic, distinct[place]);
    }
  },
};
