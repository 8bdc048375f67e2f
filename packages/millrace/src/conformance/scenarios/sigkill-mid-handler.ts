import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { allOf, needsGroups, needsWorker, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const sigkillMidHandler: Scenario = {
  name: "sigkill-mid-handler",
  title: "delivers to the next member what a killed process had in hand",
  proves: ["durable", "attemptsSurviveCrash"],
  timeoutMs: 120_000,
  needs: (capabilities, setup) => allOf(needsGroups(capabilities), needsWorker(setup)),
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const messages = world.numbered(10, { key: (index) => `k${index}` });
    await pubsub.publish(world.topic, messages);
    // Room for more than there is: the nacked one never waits for a slot that another one took.
    const worker = await world.worker({ maxInFlight: 20, shortLease: true });
    await world.until(() => new Set(worker.received).size >= 10, "the worker has all ten in hand");
    const [nacked] = worker.received;
    assert.ok(nacked !== undefined);
    worker.tell({ order: "nack", id: nacked });
    await world.until(() => worker.received.filter((id) => id === nacked).length >= 2, "the worker has one of them at its second attempt");
    worker.tell({ order: "flush" });
    await world.until(() => worker.has("flushed"), "the worker has flushed");
    await worker.kill();
    const probe = await world.watch(pubsub);
    await probe.until(() => probe.acked.size >= 10, "the next member has acked all ten", world.patienceMs * 4);
    assertSameIds(probe.acked, idsOf(messages), "messages acked");
    if (!world.capabilities.attemptsSurviveCrash) return;
    const [attempt] = probe.attemptsOf(nacked);
    assert.ok(attempt !== undefined && attempt >= 2, `the attempt survives the crash: ${attempt}`);
  },
};
