import assert from "node:assert/strict";
import { MillraceError } from "../../errors/index.ts";
import type { ReceivedMessage } from "../../message/index.ts";
import type { Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const iteratorRules: Scenario = {
  name: "iterator-rules",
  title: "ends only the iteration at break, refuses a second reader beside the first, and lets one follow it",
  run: async (world) => {
    const pubsub = await world.open();
    const subscription = await world.subscribe(pubsub, { maxInFlight: 2 });
    const messages = world.numbered(3);
    await pubsub.publish(world.topic, messages);
    let inHand: ReceivedMessage | undefined;
    const firstLoop = (async () => {
      for await (const message of subscription) {
        inHand = message;
        await assert.rejects(async () => {
          for await (const other of subscription) other.ack();
        }, busy);
        break;
      }
    })();
    await world.within(firstLoop, "the first loop");
    assert.ok(inHand !== undefined);
    assert.notEqual(subscription.status().state, "stopped", "break leaves the subscription open");
    assert.equal(inHand.ack(), true, "the message in hand stays the caller's to settle");

    const probe = world.probe(subscription);
    await probe.until(() => probe.acked.size >= 2, "a second loop has acked the other two");
    assert.deepEqual(new Set([inHand.id, ...probe.seen]), new Set(idsOf(messages)));
  },
};

function busy(error: unknown): boolean {
  assert.ok(MillraceError.is(error), `a MillraceError, not ${error}`);
  assert.equal(error.code, "SUBSCRIPTION_BUSY");
  return true;
}
