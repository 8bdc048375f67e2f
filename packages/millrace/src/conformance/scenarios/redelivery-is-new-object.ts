import assert from "node:assert/strict";
import { Message } from "../../message/index.ts";
import { needsRedelivery, type Scenario } from "../scenario.ts";

export const redeliveryIsNewObject: Scenario = {
  name: "redelivery-is-new-object",
  title: "redelivers a new object with the original bytes and metadata, whatever the handler did to the first",
  needs: needsRedelivery,
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, {
      decide: ({ message, index }) => {
        if (index > 0) return "ack";
        message.metadata.set("test", "changed").set("added", "x");
        return "nack";
      },
    });
    const sent = new Message("original", { metadata: { test: "0" }, key: world.capabilities.keys ? "k" : undefined });
    await pubsub.publish(world.topic, sent);
    await probe.until(() => probe.acked.size >= 1, "the redelivery is acked");
    const [first, second] = probe.handOuts.map(({ message }) => message);
    assert.ok(first !== undefined && second !== undefined);
    assert.notEqual(first, second, "a redelivery is another object");
    assert.equal(second.id, sent.id);
    assert.equal(second.text(), "original");
    assert.equal(second.metadata.get("test"), "0");
    assert.equal(second.metadata.get("added"), undefined);
    if (world.capabilities.keys) assert.equal(second.key, "k");
    assert.equal(second.signal.aborted, true, "its own verdict ended it");
  },
};
