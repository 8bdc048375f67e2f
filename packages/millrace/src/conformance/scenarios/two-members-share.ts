import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const twoMembersShare: Scenario = {
  name: "two-members-share",
  title: "shares a backlog of 200 between two slow members: each handles at least 30 %",
  proves: ["consumerGroups"],
  needs: needsGroups,
  run: async (world) => {
    const publisher = await world.open();
    await world.prepare(publisher);
    const messages = world.numbered(200, { key: (index) => `k${index}` });
    await publisher.publish(world.topic, messages);
    // Nobody finishes his first message before both have one: how fast a member joins is not what is measured here.
    let atJoin = 0;
    const decide = async (): Promise<"ack"> => {
      await world.until(() => one.handOuts.length > 0 && two.handOuts.length > 0, "both members have a message");
      if (atJoin === 0) for (const { subscription } of [one, two]) atJoin += subscription.status().inFlight + subscription.status().held;
      await world.quiet(20);
      return "ack";
    };
    const [first, second] = await Promise.all([world.open(), world.open()]);
    const subscriptions = await Promise.all([world.subscribe(first), world.subscribe(second)]);
    const one = world.probe(subscriptions[0], { decide });
    const two = world.probe(subscriptions[1], { decide });
    await world.until(() => new Set([...one.acked, ...two.acked]).size >= 200, "both together have acked all 200");
    assertSameIds([...one.seen, ...two.seen], idsOf(messages), "messages delivered");
    assert.ok(Math.min(one.acked.size, two.acked.size) >= 60, `the members handled ${one.acked.size} and ${two.acked.size} of 200`);
    // A broker may move what a member had in hand or held when the other one joined; nothing else is handled twice.
    const twice = [...one.seen].filter((id) => two.seen.has(id)).length;
    assert.ok(twice <= atJoin || world.limits.spontaneousDuplicates === true, `${twice} were given to both members, ${atJoin} were held when they had joined`);
  },
};
