import assert from "node:assert/strict";
import { openProxied, outcomeOf } from "../proxied.ts";
import { needsProxy, type Scenario } from "../scenario.ts";

export const publishAbortAfterSending: Scenario = {
  name: "publish-abort-after-sending",
  title: "ends a publish at once whose signal aborts after it was sent, and calls it unknown, never rejected",
  timeoutMs: 120_000,
  needs: (_capabilities, setup) => needsProxy(setup),
  run: async (world) => {
    const direct = await world.watch(await world.open(), { maxInFlight: 10, orderBy: "none" });
    const { pubsub, proxy } = await openProxied(world);
    await pubsub.publish(world.topic, world.numbered(1));
    proxy.stall("answers");
    const stop = new AbortController();
    const messages = world.numbered(3);
    const publishing = outcomeOf(pubsub.publish(world.topic, messages, { signal: stop.signal }));
    await direct.until(() => messages.every(({ id }) => direct.seen.has(id)), "the broker has them, and its answer is stalled");
    stop.abort();
    assert.deepEqual(await world.within(publishing, "a publish that was aborted", 2_000 * world.pace), ["unknown", "unknown", "unknown"]);
  },
};
