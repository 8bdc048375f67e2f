import assert from "node:assert/strict";
import { needsAdmin, type Scenario } from "../scenario.ts";

export const adminTopicsAndGroups: Scenario = {
  name: "admin-topics-and-groups",
  title: "lists a topic once it is provisioned, a group once it has subscribed, and nothing else of this run",
  needs: (_capabilities, setup) => needsAdmin(setup, "topics", "groups"),
  run: async (world) => {
    const pubsub = await world.open();
    const [topics, groups] = [world.ask(pubsub, "topics"), world.ask(pubsub, "groups")];
    const [group, later] = [world.groupNamed("g") as string, world.groupNamed("later") as string];
    assert.ok(!(await topics()).includes(world.topic), "before anybody used it there is no topic");
    await world.prepare(pubsub, group);
    await world.eventually(
      async () => (await topics()).includes(world.topic),
      () => "the topic is listed",
    );
    await world.prepare(pubsub, world.groupNamed("elsewhere"), world.topicNamed("other"));
    await pubsub.publish(world.topic, world.numbered(1));
    await world.eventually(
      async () => (await groups(world.topic)).includes(group),
      () => "the group that was provisioned is listed",
    );
    const subscription = await world.subscribe(pubsub, { group: later });
    await world.eventually(
      async () => (await groups(world.topic)).length === 2,
      () => "the group that subscribed is listed",
    );
    assert.deepEqual([...(await groups(world.topic))].sort(), [group, later].sort());
    assert.equal((await topics()).filter((topic) => topic === world.topic).length, 1, "a topic is listed once");
    await world.within(subscription.close(), "close()");
  },
};
