import assert from "node:assert/strict";
import type { Scenario } from "../scenario.ts";

export const publishAgain: Scenario = {
  name: "publish-again",
  title: "publishes a received message as it is, without touching its verdict",
  run: async (world) => {
    const pubsub = await world.open();
    const onward = world.topicNamed("onward");
    const first = await world.watch(pubsub, { decide: () => "hold" });
    const second = await world.watch(pubsub, { topic: onward });
    const [sent] = world.numbered(1, world.capabilities.keys ? { key: () => "k" } : {});
    assert.ok(sent !== undefined);
    await pubsub.publish(world.topic, sent);
    await first.until(() => first.holding.size === 1, "it is handed out");
    const received = first.handOuts[0]?.message;
    assert.ok(received !== undefined);
    await pubsub.publish(onward, received);
    await second.until(() => second.acked.size >= 1, "it arrives on the second topic");
    const again = second.handOuts[0]?.message;
    assert.equal(again?.id, sent.id);
    assert.equal(again?.key, sent.key);
    assert.equal(again?.text(), sent.text());
    assert.equal(again?.metadata.get("test"), "0");
    assert.equal(again?.delivery.topic, onward);
    assert.equal(received.signal.aborted, false, "publishing gives no verdict");
    assert.equal(received.ack(), true);
  },
};
