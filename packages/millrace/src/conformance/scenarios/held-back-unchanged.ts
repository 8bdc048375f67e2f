import assert from "node:assert/strict";
import { DELAYED_FOR_KEY, DELAYED_UNTIL_KEY } from "../../message/delay-keys.ts";
import { parseGoDuration } from "../../message/go-duration.ts";
import { DueTimes } from "../due-times.ts";
import { needsDelay, type Scenario } from "../scenario.ts";

export const heldBackUnchanged: Scenario = {
  name: "held-back-unchanged",
  title: "keeps id, key, payload and metadata of a message that is held back, and when it was due",
  needs: needsDelay,
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const due = new DueTimes(world, [400], world.capabilities.keys ? "k-ż" : undefined);
    const [sent] = due.messages;
    assert.ok(sent !== undefined);
    await pubsub.publish(world.topic, sent);
    await due.seenBy(probe);
    const received = probe.handOuts[0]?.message;
    assert.equal(received?.key, sent.key);
    assert.equal(received?.text(), sent.text());
    assert.equal(received?.delivery.attempt, 1);
    assert.deepEqual(Object.fromEntries(received?.metadata ?? []), Object.fromEntries(sent.metadata));
    assert.equal(received?.dueAt?.getTime(), sent.dueAt?.getTime());
    assert.equal(received?.metadata.has(DELAYED_UNTIL_KEY), true);
    assert.equal(parseGoDuration(received?.metadata.get(DELAYED_FOR_KEY) ?? ""), 400);
  },
};
