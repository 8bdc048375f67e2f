import assert from "node:assert/strict";
import { needsReplay, type Scenario } from "../scenario.ts";

export const fromPosition: Scenario = {
  name: "from-position",
  title: "begins at a position that a delivery named",
  proves: ["replay"],
  needs: needsReplay,
  run: async (world) => {
    const pubsub = await world.open();
    const reader = await world.watch(pubsub, { group: world.groupNamed("reader") });
    const messages = world.numbered(10, { key: () => "one" });
    await pubsub.publish(world.topic, messages);
    await reader.until(() => reader.acked.size >= 10, "all ten are acked");
    const positions = reader.handOuts.map(({ message }) => message.delivery.position);
    assert.ok(
      positions.every((position) => typeof position === "string"),
      "every delivery names its position",
    );
    assert.equal(new Set(positions).size, positions.length, "positions are distinct");
    const probe = await world.watch(pubsub, { group: world.groupNamed("position"), from: { position: positions[5] as string } });
    await probe.until(() => probe.acked.has(reader.order[9] as string), "the last one is acked");
    assert.deepEqual(probe.order, reader.order.slice(5), "reading begins with the message of that position");
  },
};
