import assert from "node:assert/strict";
import { Message } from "../../message/index.ts";
import type { Scenario } from "../scenario.ts";

export const publishTakesASnapshot: Scenario = {
  name: "publish-takes-a-snapshot",
  title: "sends the metadata that a message had when publish was called",
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const message = new Message("m", { metadata: { stage: "before" } });
    const publishing = pubsub.publish(world.topic, message);
    message.metadata.set("stage", "after").set("late", "1");
    await publishing;
    await probe.until(() => probe.acked.size >= 1, "it is acked");
    const received = probe.handOuts[0]?.message;
    assert.equal(received?.metadata.get("stage"), "before");
    assert.equal(received?.metadata.has("late"), false);
  },
};
