import assert from "node:assert/strict";
import { silentLogger } from "../../logger/index.ts";
import { Router } from "../../router/index.ts";
import type { Scenario } from "../scenario.ts";

const BACKLOG = 300;

export const idle: Scenario = {
  name: "idle",
  title: "lets a router's idle() wait until the whole backlog is handled, also what is still at the broker, and no longer",
  run: async (world) => {
    const pubsub = await world.open();
    await world.prepare(pubsub);
    const publish = (count: number): Promise<void> => pubsub.publish(world.topic, world.numbered(count));
    const kept = world.group !== undefined;
    if (kept) await publish(BACKLOG);
    const router = new Router({ logger: silentLogger });
    world.cleanUpWith(() => router.close());
    let handled = 0;
    router.addConsumerHandler({
      name: "counter",
      subscribe: { subscriber: pubsub, topic: world.topic },
      group: world.group ?? false,
      handle: () => {
        handled++;
        world.bell.ring();
      },
    });
    await router.start();
    if (!kept) await publish(BACKLOG);
    await world.within(router.idle(), "idle() with a backlog");
    assert.equal(handled, BACKLOG, "idle() waited for the whole backlog");
    await world.within(router.idle(), "idle() with nothing left");
    await publish(1);
    await world.until(() => handled > BACKLOG, "what comes later is handled");
    await world.within(router.idle(), "idle() once more");
  },
};
