import assert from "node:assert/strict";
import { needsRedelivery, type Scenario } from "../scenario.ts";

export const verdicts: Scenario = {
  name: "verdicts",
  title: "lets the first verdict win: the same again is true, the other is false, and `settled` always resolves",
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub, { decide: () => "hold" });
    await pubsub.publish(world.topic, world.numbered(2));
    await probe.until(() => probe.handOuts.length >= 1, "the first one is handed out");
    const acked = probe.handOuts[0]?.message;
    assert.ok(acked !== undefined);
    const { settled, signal } = acked;
    assert.equal(acked.ack(), true, "the first ack holds");
    assert.equal(acked.ack(), true, "the same again is true");
    assert.equal(acked.nack(), false, "the other one is false");
    assert.equal(await world.within(settled, "resolving `settled`"), "acked");
    assert.equal(signal.aborted, true, "read outside a router, the verdict ends the signal");
    assert.equal(await world.within(acked.settled, "resolving `settled` asked for late"), "acked");

    await probe.until(() => probe.handOuts.length >= 2, "the second one is handed out");
    const nacked = probe.handOuts[1]?.message;
    assert.ok(nacked !== undefined && nacked.id !== acked.id);
    if (needsRedelivery(world.capabilities) !== true) return;
    assert.equal(nacked.nack(), true, "the first nack holds");
    assert.equal(nacked.nack(), true, "the same again is true");
    assert.equal(nacked.ack(), false, "the other one is false");
    assert.equal(await world.within(nacked.settled, "resolving `settled`"), "nacked");
    await probe.until(() => probe.handOuts.length >= 3, "it is redelivered");
    assert.equal(probe.handOuts[2]?.id, nacked.id);
    await probe.subscription[Symbol.asyncDispose]();
    assert.notEqual(await world.within(probe.handOuts[2]?.message.settled ?? Promise.resolve("none"), "resolving `settled` at the end"), "acked");
  },
};
