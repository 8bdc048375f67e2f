import assert from "node:assert/strict";
import { MillraceError, type PublishError } from "../../errors/index.ts";
import { Message } from "../../message/index.ts";
import type { Scenario } from "../scenario.ts";

export const publishAbort: Scenario = {
  name: "publish-abort",
  title: "rejects a publish whose signal aborted before, says so of every message, and sends none",
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const stop = new AbortController();
    stop.abort();
    await assert.rejects(
      world.within(pubsub.publish(world.topic, world.numbered(3), { signal: stop.signal }), "publishing with an aborted signal"),
      (error) => {
        assert.ok(MillraceError.is(error), `a MillraceError, not ${error}`);
        assert.deepEqual((error as PublishError).outcomes, ["rejected", "rejected", "rejected"]);
        return true;
      },
    );
    const marker = new Message("marker");
    await pubsub.publish(world.topic, marker);
    await probe.until(() => probe.acked.has(marker.id), "the marker is acked");
    assert.deepEqual([...probe.seen], [marker.id]);
  },
};
