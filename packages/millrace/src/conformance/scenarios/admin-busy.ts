import assert from "node:assert/strict";
import { MillraceError } from "../../errors/index.ts";
import { needsAdmin, type Scenario } from "../scenario.ts";

export const adminBusy: Scenario = {
  name: "admin-busy",
  title: "refuses to move or delete a group whose member has a message in hand, with GROUP_BUSY, and changes nothing",
  needs: (_capabilities, setup) => (needsAdmin(setup, "seek") === true ? true : needsAdmin(setup, "deleteGroup")),
  run: async (world) => {
    const pubsub = await world.open();
    const group = world.group as string;
    await world.prepare(pubsub); // kept, also where a group goes with its last member
    const probe = await world.watch(pubsub, { decide: ({ index }) => (index === 0 ? "hold" : "ack") });
    await pubsub.publish(world.topic, world.numbered(5));
    await probe.until(() => probe.holding.size === 1, "one is in hand");
    const ask = [
      ["seek", () => world.ask(pubsub, "seek")(world.topic, group, "earliest")],
      ["deleteGroup", () => world.ask(pubsub, "deleteGroup")(world.topic, group)],
    ] as const;
    const asked = ask.filter(([question]) => world.setup.admin?.includes(question));
    for (const [question, run] of asked) {
      await assert.rejects(world.within(run(), question), (error) => {
        assert.ok(MillraceError.is(error), `a MillraceError, not ${error}`);
        assert.equal(error.code, "GROUP_BUSY");
        return true;
      });
    }
    assert.equal(probe.settle(probe.order[0] as string), true, "what is in hand is still its member's");
    await probe.until(() => probe.acked.size >= 5, "the others follow");
    assert.equal(probe.handOuts.length, 5, "nothing comes twice");
    await world.within(probe.subscription.close(), "close()");
    for (const [question, run] of asked) await world.within(run(), question);
  },
};
