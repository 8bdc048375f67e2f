import { Message } from "millrace";
import { describe, expect } from "vitest";
import { until } from "../../../test/until.ts";
import { kafkaTest } from "./testing/kafka-test.ts";
import { UNDECODABLE } from "./testing/test-options.ts";

const ONE = { topics: { partitions: 1 } } as const;

describe("a record that cannot be read", () => {
  kafkaTest("is offered to the dead letter again when that failed, and is stepped over for good, also when nothing comes after it", async (world) => {
    const bus = world.open(ONE);
    await bus.publish(world.name, [new Message("a"), new Message("b", { metadata: { [UNDECODABLE]: "yes" } })]);
    let tries = 0;
    const subscription = await bus.subscribe(world.name, {
      group: world.name,
      undecodable: async () => {
        if (tries++ === 0) throw new Error("the dead letter is not there for a moment");
      },
    });
    const seen: string[] = [];
    void (async () => {
      for await (const message of subscription) {
        seen.push(message.text());
        message.ack();
      }
    })();
    await until(() => tries === 2, "the dead letter has it");
    await until(async () => (await bus.admin.lag?.(world.name, world.name))?.messages === 0, "the group is behind it");
    await bus.publish(world.name, new Message("c"));
    await until(() => seen.length === 2, "the partition goes on");
    expect([seen, tries]).toEqual([["a", "c"], 2]);
  });
});
