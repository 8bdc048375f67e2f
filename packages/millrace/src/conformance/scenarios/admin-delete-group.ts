import { assertSameIds } from "../ids.ts";
import { needsAdmin, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const adminDeleteGroup: Scenario = {
  name: "admin-delete-group",
  title: "deletes a group, and leaves the others: the next subscription of that name begins as a new group",
  needs: (_capabilities, setup) => needsAdmin(setup, "deleteGroup"),
  run: async (world) => {
    const pubsub = await world.open();
    const group = world.group as string;
    const other = world.groupNamed("other") as string;
    await world.prepare(pubsub, group);
    await world.prepare(pubsub, other);
    const messages = world.numbered(10);
    await pubsub.publish(world.topic, messages);
    const probe = await world.watch(pubsub, { decide: ({ index }) => (index < 4 ? "ack" : "hold") });
    await probe.until(() => probe.holding.size === 1, "four are acked, the fifth is in hand");
    await world.within(probe.subscription[Symbol.asyncDispose](), "dispose");
    await world.ask(pubsub, "deleteGroup")(world.topic, group);
    if (world.setup.admin?.includes("groups") === true) {
      const listed = async (): Promise<string> => [...(await world.ask(pubsub, "groups")(world.topic))].join();
      await world.eventually(
        async () => (await listed()) === other,
        () => "the deleted group is not listed, the other is",
      );
    }
    const fresh = await world.watch(await world.open());
    const kept = await world.watch(pubsub, { group: other });
    const marker = world.numbered(1, { from: 10 });
    await pubsub.publish(world.topic, marker);
    const expected = world.capabilities.replay ? [...messages, ...marker] : marker;
    await fresh.until(() => fresh.acked.size >= expected.length, `the new group has acked ${expected.length}`);
    assertSameIds(fresh.seen, idsOf(expected), "messages of the new group");
    await kept.until(() => kept.acked.size >= 11, "the other group has acked all");
  },
};
