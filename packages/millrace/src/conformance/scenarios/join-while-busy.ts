import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

const IN_HAND = 4;

export const joinWhileBusy: Scenario = {
  name: "join-while-busy",
  title: "lets a member join while another is slow, whose late verdicts hold and whose messages nobody else gets",
  needs: needsGroups,
  run: async (world) => {
    const publisher = await world.open();
    await world.prepare(publisher);
    const slow = await world.watch(await world.open(), { maxInFlight: IN_HAND, decide: ({ index }) => (index < IN_HAND ? "hold" : "ack") });
    const messages = world.numbered(40, { key: (index) => `k${index}` });
    await publisher.publish(world.topic, messages);
    await slow.until(() => slow.holding.size === IN_HAND, "the slow member has its hands full");
    const quick = await world.watch(await world.open());
    await world.quiet(500); // time in which a broker might take from the slow one what is in hand
    for (const id of [...slow.holding.keys()]) assert.equal(slow.settle(id), true, "the verdict of the slow member holds");
    await world.until(() => new Set([...slow.acked, ...quick.acked]).size >= messages.length, "both together have acked all 40");
    assertSameIds([...slow.acked, ...quick.acked], idsOf(messages), "messages acked");
    const twice = [...slow.acked].filter((id) => quick.seen.has(id));
    assert.ok(twice.length === 0 || world.limits.spontaneousDuplicates === true, `${twice.length} that the slow member had acked were handed out again`);
  },
};
