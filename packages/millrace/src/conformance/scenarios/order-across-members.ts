import assert from "node:assert/strict";
import { needsGroups, type Scenario } from "../scenario.ts";

export const orderAcrossMembers: Scenario = {
  name: "order-across-members",
  title: "keeps the order of each key across two members of a group",
  proves: ["ordering"],
  needs: (capabilities) => {
    if (capabilities.ordering !== "per-key") return `order is promised for "${capabilities.ordering}" only`;
    return needsGroups(capabilities);
  },
  run: async (world) => {
    const publisher = await world.open();
    const done = new Map<string, number[]>();
    const running = new Set<string>();
    const decide = async ({ message }: { readonly message: { readonly key: string | undefined; text(): string } }): Promise<"ack"> => {
      const key = message.key ?? "none";
      assert.ok(!running.has(key), `key ${key} is handed out by two members at once`);
      running.add(key);
      await world.quiet(1);
      running.delete(key);
      done.set(key, [...(done.get(key) ?? []), Number(message.text())]);
      return "ack";
    };
    const one = await world.watch(await world.open(), { maxInFlight: 8, decide });
    const two = await world.watch(await world.open(), { maxInFlight: 8, decide });
    const messages = world.numbered(300, { key: (index) => `k${index % 10}` });
    await publisher.publish(world.topic, messages);
    await world.until(() => new Set([...one.acked, ...two.acked]).size >= messages.length, "both together have acked all 300");
    for (const [key, numbers] of done) {
      const distinct = [...new Set(numbers)];
      assert.deepEqual(
        distinct,
        distinct.toSorted((a, b) => a - b),
        `order of ${key}`,
      );
    }
  },
};
