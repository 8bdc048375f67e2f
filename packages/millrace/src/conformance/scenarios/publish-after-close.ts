import assert from "node:assert/strict";
import { MillraceError } from "../../errors/index.ts";
import { Message } from "../../message/index.ts";
import type { Scenario } from "../scenario.ts";

export const publishAfterClose: Scenario = {
  name: "publish-after-close",
  title: "rejects publish and subscribe with CLOSED after close()",
  run: async (world) => {
    const pubsub = await world.setup.create();
    await world.within(pubsub.close(), "close()");
    await assert.rejects(world.within(pubsub.publish(world.topic, new Message("late")), "publish after close"), closed);
    await assert.rejects(
      world.within(
        pubsub.subscribe(world.topic, { group: world.group }).then((subscription) => world.cleanUpWith(() => subscription[Symbol.asyncDispose]())),
        "subscribe after close",
      ),
      closed,
    );
  },
};

function closed(error: unknown): boolean {
  assert.ok(MillraceError.is(error), `a MillraceError, not ${error}`);
  assert.equal(error.code, "CLOSED");
  return true;
}
