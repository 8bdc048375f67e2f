import assert from "node:assert/strict";
import { PublishError } from "../../errors/index.ts";
import { Message } from "../../message/index.ts";
import { assertSameIds } from "../ids.ts";
import { need, type Scenario } from "../scenario.ts";

const BEYOND_MS = 60_000;

export const longerDelayIsRefused: Scenario = {
  name: "longer-delay-is-refused",
  title: "refuses a message by itself that it cannot hold back for as long as asked, and says what can",
  proves: ["maxPublishDelayMs"],
  needs: (capabilities) => need(capabilities.maxPublishDelayMs !== Number.POSITIVE_INFINITY, "the adapter holds messages back for any time"),
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const [before, behind, neighbour, marker] = world.numbered(4);
    assert.ok(before !== undefined && behind !== undefined && neighbour !== undefined && marker !== undefined);
    const delayed = new Message("delayed", { delayMs: world.capabilities.maxPublishDelayMs + BEYOND_MS });
    const refused = failureOf(pubsub.publish(world.topic, [before, delayed, behind]));
    const passed = pubsub.publish(world.topic, neighbour);
    const error = await refused;
    await passed;
    assert.ok(error instanceof PublishError, `the call rejects with a PublishError: ${String(error)}`);
    assert.equal(error.code, "DELAY_UNSUPPORTED");
    assert.match(error.message, /DelayingPublisher/);
    assert.match(error.message, /\bdelays\b/);
    // What was before it is the adapter's to send or not; nothing behind it may be sent, and of it nothing.
    assert.deepEqual(error.outcomes.slice(1), ["rejected", "rejected"]);
    const alone = await failureOf(pubsub.publish(world.topic, delayed));
    assert.deepEqual((alone as PublishError).outcomes, ["rejected"]);
    await pubsub.publish(world.topic, marker);
    await probe.until(() => probe.acked.has(marker.id) && probe.acked.has(neighbour.id), "what was published beside and after it is acked");
    const sent = error.outcomes[0] === "confirmed" ? [before] : [];
    await probe.until(() => sent.every(({ id }) => probe.acked.has(id)), "what was confirmed before it is acked");
    assertSameIds(
      probe.seen,
      [...sent, neighbour, marker].map(({ id }) => id),
      "messages handed out",
    );
  },
};

async function failureOf(publishing: Promise<void>): Promise<unknown> {
  return await publishing.then(
    () => assert.fail("a delay beyond the limit was confirmed"),
    (error: unknown) => error,
  );
}
