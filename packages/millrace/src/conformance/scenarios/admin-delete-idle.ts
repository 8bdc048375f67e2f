import assert from "node:assert/strict";
import { MillraceError } from "../../errors/index.ts";
import { needsAdmin, type Scenario } from "../scenario.ts";

export const adminDeleteIdle: Scenario = {
  name: "admin-delete-idle",
  title: "deletes a group under an idle member, who then begins it anew as a new group, or refuses with GROUP_BUSY and changes nothing",
  needs: (_capabilities, setup) => needsAdmin(setup, "deleteGroup"),
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const messages = world.numbered(5);
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= 5, "all are acked, the member is idle");
    await world.within(probe.subscription.flush(), "flush()");
    const deleted = await world.within(
      world
        .ask(pubsub, "deleteGroup")(world.topic, world.group as string)
        .then(
          () => true,
          (error: unknown) => {
            if (MillraceError.is(error) && error.code === "GROUP_BUSY") return false;
            throw error;
          },
        ),
      "deleteGroup",
    );
    const marker = world.numbered(1, { from: 5 });
    await pubsub.publish(world.topic, marker);
    const again = deleted && world.capabilities.replay;
    await probe.until(() => probe.acked.size >= 6 && probe.handOuts.length >= (again ? 11 : 6), again ? "the log once more, and the marker" : "the marker");
    for (const { id } of messages) assert.deepEqual(probe.attemptsOf(id), again ? [1, 1] : [1], `hand-outs of ${id}`);
    assert.deepEqual(probe.attemptsOf(marker[0]?.id as string), [1], "hand-outs of the marker");
  },
};
