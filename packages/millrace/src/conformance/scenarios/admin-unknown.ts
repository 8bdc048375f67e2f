import assert from "node:assert/strict";
import { MillraceError, OptionError } from "../../errors/index.ts";
import type { BrokerAdmin } from "../../message/index.ts";
import { need, type Scenario } from "../scenario.ts";

type AboutGroups = Exclude<keyof BrokerAdmin, "topics" | "groups">;

export const adminUnknown: Scenario = {
  name: "admin-unknown",
  title: "answers questions about what is not there with UNKNOWN_TOPIC or UNKNOWN_GROUP, makes nothing, and refuses bad names",
  needs: (_capabilities, setup) =>
    need(
      setup.admin?.some((question) => question !== "topics"),
      "the adapter's admin answers nothing about a topic",
    ),
  run: async (world) => {
    const pubsub = await world.open();
    const asked = (world.setup.admin ?? []).filter((question) => question !== "topics" && question !== "groups") as readonly AboutGroups[];
    const ask = (question: AboutGroups, topic: string, group: string): Promise<unknown> => {
      if (question === "seek") return world.ask(pubsub, "seek")(topic, group, "earliest");
      return world.ask(pubsub, question)(topic, group);
    };
    const [missing, group, stranger] = [world.topicNamed("missing"), world.groupNamed("g") as string, world.groupNamed("stranger") as string];
    await world.prepare(pubsub);
    for (const question of asked) {
      // Twice: asking makes nothing.
      for (let time = 0; time < 2; time++) {
        await assert.rejects(world.within(ask(question, missing, group), question), withCode("UNKNOWN_TOPIC"));
        await assert.rejects(world.within(ask(question, world.topic, stranger), question), withCode("UNKNOWN_GROUP"));
      }
      for (const [topic, name] of [["", group] as const, [world.topic, ""] as const, [world.topic, undefined as unknown as string] as const]) {
        await assert.rejects(world.within(ask(question, topic, name), question), OptionError);
      }
    }
    if (world.setup.admin?.includes("seek") === true) {
      const seek = world.ask(pubsub, "seek");
      for (const to of ["now", { time: new Date(Number.NaN) }, { position: "no place" }, undefined]) {
        await assert.rejects(world.within(seek(world.topic, group, to as "earliest"), "seek"), OptionError);
      }
    }
    if (world.setup.admin?.includes("groups") === true) {
      await assert.rejects(world.within(world.ask(pubsub, "groups")(missing), "groups"), withCode("UNKNOWN_TOPIC"));
      assert.ok(!(await world.ask(pubsub, "groups")(world.topic)).includes(stranger));
    }
    if (world.setup.admin?.includes("topics") === true) assert.ok(!(await world.ask(pubsub, "topics")()).includes(missing));
  },
};

function withCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(MillraceError.is(error), `a MillraceError, not ${error}`);
    assert.equal(error.code, code);
    return true;
  };
}
