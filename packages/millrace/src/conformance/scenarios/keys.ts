import assert from "node:assert/strict";
import { Message } from "../../message/index.ts";
import { need, type Scenario } from "../scenario.ts";

export const keys: Scenario = {
  name: "keys",
  title: "carries the key of a message, and none where there was none",
  proves: ["keys"],
  needs: (capabilities) => need(capabilities.keys, "the adapter carries no keys"),
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const messages = [new Message("0", { key: "plain" }), new Message("1", { key: "ключ 🔑" }), new Message("2")];
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= 3, "all three are acked");
    const got = new Map(probe.handOuts.map(({ message }) => [message.id, message.key]));
    for (const { id, key } of messages) assert.equal(got.get(id), key);
  },
};
