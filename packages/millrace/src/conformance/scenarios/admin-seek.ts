import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { needsAdmin, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const adminSeek: Scenario = {
  name: "admin-seek",
  title: "moves a group without members: to the earliest it reads all again, to the latest nothing that is there",
  needs: (_capabilities, setup) => needsAdmin(setup, "seek", "lag"),
  run: async (world) => {
    const pubsub = await world.open();
    const group = world.group as string;
    const messages = world.numbered(10);
    const lag = async (): Promise<number> => (await world.ask(pubsub, "lag")(world.topic, group)).messages;
    const seek = world.ask(pubsub, "seek");
    await world.prepare(pubsub);
    await pubsub.publish(world.topic, messages);
    const first = await world.watch(pubsub);
    await first.until(() => first.acked.size >= 10, "all ten are acked");
    await world.within(first.subscription.close(), "close()");
    assert.equal(await lag(), 0);

    await seek(world.topic, group, "earliest");
    assert.equal(await lag(), 10, "at the earliest all of them are to be read");
    const again = await world.watch(await world.open(), { maxInFlight: 10, orderBy: "none", decide: ({ index }) => (index % 2 === 0 ? "ack" : "hold") });
    await again.until(() => again.handOuts.length >= 10, "all ten are handed out again");
    assertSameIds(again.seen, idsOf(messages), "messages read once more");
    assert.ok(
      again.handOuts.every(({ attempt }) => attempt === 1),
      "a new reading begins with the first attempt",
    );
    await world.within(again.subscription[Symbol.asyncDispose](), "dispose");
    assert.equal(await lag(), 5, "every other one was acked");

    await seek(world.topic, group, "earliest");
    assert.equal(await lag(), 10, "what was acked beyond an unsettled one counts no more");
    await seek(world.topic, group, "latest");
    assert.equal(await lag(), 0, "at the latest nothing is to be read");
    const marker = world.numbered(1, { from: 10 });
    await pubsub.publish(world.topic, marker);
    const last = await world.watch(await world.open());
    await last.until(() => last.acked.size >= 1, "the marker is acked");
    assertSameIds(last.seen, idsOf(marker), "messages after the latest");
  },
};
