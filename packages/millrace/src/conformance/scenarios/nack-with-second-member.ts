import assert from "node:assert/strict";
import { assertSameIds } from "../ids.ts";
import { allOf, needsGroups, needsRedelivery, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const nackWithSecondMember: Scenario = {
  name: "nack-with-second-member",
  title: "loses and overtakes nothing when one member nacks while another competes",
  needs: (capabilities) => allOf(needsGroups(capabilities), needsRedelivery(capabilities)),
  run: async (world) => {
    const publisher = await world.open();
    const finished = new Map<string, number[]>();
    const decide = (nacks: boolean) => {
      const failed = new Set<string>();
      return ({ message, id }: { readonly message: { readonly key: string | undefined; text(): string }; readonly id: string }) => {
        if (nacks && !failed.has(id)) {
          failed.add(id);
          return { delayMs: 5 };
        }
        const key = message.key ?? "none";
        finished.set(key, [...(finished.get(key) ?? []), Number(message.text())]);
        return "ack" as const;
      };
    };
    const one = await world.watch(await world.open(), { maxInFlight: 4, decide: decide(true) });
    const two = await world.watch(await world.open(), { maxInFlight: 4, decide: decide(false) });
    const messages = world.numbered(100, { key: (index) => `k${index % 20}` });
    await publisher.publish(world.topic, messages);
    await world.until(() => new Set([...one.acked, ...two.acked]).size >= 100, "both together have acked all 100");
    assertSameIds([...one.acked, ...two.acked], idsOf(messages), "messages acked");
    if (world.capabilities.ordering !== "per-key") return;
    for (const [key, numbers] of finished) {
      const distinct = [...new Set(numbers)];
      assert.deepEqual(
        distinct,
        distinct.toSorted((a, b) => a - b),
        `order of ${key}`,
      );
    }
  },
};
