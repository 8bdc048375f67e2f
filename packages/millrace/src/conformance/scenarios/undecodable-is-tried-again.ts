import assert from "node:assert/strict";
import { allOf, need, needsGroups, type Scenario } from "../scenario.ts";

export const undecodableIsTriedAgain: Scenario = {
  name: "undecodable-is-tried-again",
  title: "tries a dead letter again that failed, steps over nothing before it is taken, and stalls nobody",
  needs: (capabilities, setup) => allOf(needsGroups(capabilities), need(setup.faults?.putUndecodable, "the setup cannot put undecodable bytes on a topic")),
  run: async (world) => {
    const { lease } = world.setup;
    const pubsub = lease === undefined ? await world.open() : world.own(await lease.create());
    await world.prepare(pubsub);
    await pubsub.publish(world.topic, world.numbered(1));
    await world.setup.faults?.putUndecodable?.(world.topic);
    await pubsub.publish(world.topic, world.numbered(1, { from: 1 }));
    const tries: ("failed" | "taken")[] = [];
    const probe = await world.watch(pubsub, {
      maxInFlight: 4,
      undecodable: async () => {
        tries.push(tries.length < 1 ? "failed" : "taken");
        world.bell.ring();
        if (tries.at(-1) === "failed") throw new Error("the dead letter is away");
      },
    });
    await world.until(() => tries.includes("taken"), "the dead letter is tried again, and taken", world.patienceMs * 2);
    await probe.until(() => probe.acked.size >= 2, "what comes before and behind is acked", world.patienceMs * 2);
    assert.deepEqual(tries, ["failed", "taken"]);
  },
};
