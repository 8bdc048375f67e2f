import assert from "node:assert/strict";
import { MillraceError } from "../../errors/index.ts";
import { Message } from "../../message/index.ts";
import type { Probe } from "../probe.ts";
import type { Scenario } from "../scenario.ts";

/** What brokers, tables and ways through text make of two names one. Each stands behind the run's own name. */
const ENDS: readonly string[] = [
  ...["", "x", "X", "_x", ".x", "-x", "$1", "\n", "\r\n", "x\n", "\t", " ", "\0"],
  ...["é", "e\u0301", "\ufeff", "\ud800", "\udfff", "%78", "#", "*", "/x", "'", '"', "x".repeat(230), `${"x".repeat(229)}y`, "x".repeat(300)],
];
/** Of a name in the text of a failure. */
const SHOWN = 40;

export const namesApart: Scenario = {
  name: "names-apart",
  title: "refuses a topic's or a group's name, or keeps it apart from every other",
  timeoutMs: 120_000,
  run: async (world) => {
    const pubsub = await world.open();
    const probes = new Map<string, Probe>();
    for (const end of ENDS) {
      const probe = await orRefused(() => world.watch(pubsub, { topic: world.topic + end }), `topic ${JSON.stringify(end.slice(0, SHOWN))}`);
      if (probe !== undefined) probes.set(world.topic + end, probe);
    }
    assert.ok(probes.size >= 2, "plain names are taken");
    for (const topic of probes.keys()) await pubsub.publish(topic, new Message(topic));
    for (const [topic, probe] of probes) {
      const what = `the message of topic ${JSON.stringify(topic.slice(-SHOWN))}`;
      await probe.until(() => probe.handOuts.length > 0, what);
    }
    await world.quiet();
    for (const [topic, probe] of probes)
      assert.deepEqual(
        probe.handOuts.map(({ message }) => message.text()),
        [topic],
        "a topic has its own messages only",
      );
    if (!world.capabilities.consumerGroups) return;

    const groups = new Map<string, Probe>();
    for (const end of ENDS) {
      const group = `${world.group}${end}`;
      const probe = await orRefused(() => world.watch(pubsub, { topic: world.topicNamed("groups"), group }), `group ${JSON.stringify(end.slice(0, SHOWN))}`);
      if (probe !== undefined) groups.set(group, probe);
    }
    assert.ok(groups.size >= 2, "plain names of groups are taken");
    await pubsub.publish(world.topicNamed("groups"), new Message("to all"));
    for (const [group, probe] of groups) await probe.until(() => probe.handOuts.length > 0, `the message in group ${JSON.stringify(group.slice(-SHOWN))}`);
  },
};

/** `undefined` where the name is refused, which is said as an error of the name. */
async function orRefused(watch: () => Promise<Probe>, what: string): Promise<Probe | undefined> {
  try {
    return await watch();
  } catch (error) {
    assert.ok(
      MillraceError.is(error) && ["BAD_OPTION", "BAD_TOPIC", "BAD_GROUP"].includes(error.code),
      `${what} is refused as a name, not with ${String(error)}`,
    );
    return undefined;
  }
}
