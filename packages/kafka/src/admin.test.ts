import { type BrokerAdmin, Message } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { KafkaPubSub } from "./pub-sub.ts";
import { deleteRecords } from "./testing/delete-records.ts";
import { kafkaTest } from "./testing/kafka-test.ts";
import { publisherTestOptions } from "./testing/test-options.ts";
import { KafkaTransactor } from "./transactor.ts";

const ONE = { topics: { partitions: 1 } } as const;
const NOTHING = { messages: 0, oldestAt: undefined };

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index), { key: `k${index}` }));

/** All questions: a cluster can answer them. */
function adminOf(bus: KafkaPubSub): Required<BrokerAdmin> {
  return bus.admin as Required<BrokerAdmin>;
}

describe("the admin of a Kafka cluster", () => {
  it("is there without a connection, and leaves out the groups where a function makes their ids", () => {
    const url = "kafka://127.0.0.1:1";
    expect(Object.keys(new KafkaPubSub({ url }).admin).sort()).toEqual(["deleteGroup", "groups", "lag", "seek", "topics"]);
    expect(new KafkaPubSub({ url, groupName: (topic, group) => `${topic}.${group}` }).admin.groups).toBeUndefined();
  });

  kafkaTest("counts messages and no markers of transactions, and tells when the oldest was published", async (world) => {
    const bus = world.open(ONE);
    await bus.provision(world.name, { group: world.name });
    const transactor = world.use(new KafkaTransactor({ ...publisherTestOptions(world.broker.url), transactionalId: world.name }));
    const abort = new Error("roll back");
    for (const message of numbered(3)) {
      await transactor.run((transaction) => transaction.publish(world.name, message));
      const failed = transactor.run(async (transaction) => {
        await transaction.publish(world.name, message);
        throw abort;
      });
      await expect(failed).rejects.toBe(abort);
    }
    const { messages, oldestAt } = await adminOf(bus).lag(world.name, world.name);
    expect(messages).toBe(3);
    const subscription = await bus.subscribe(world.name, { group: world.name });
    const first = await takeOne(subscription);
    expect(oldestAt).toEqual(first.delivery.publishedAt);
    expect(subscription.status().oldestAt).toEqual(oldestAt);
    first.ack();
    await readSome(subscription, 2);
    await subscription.flush();
    expect(await adminOf(bus).lag(world.name, world.name)).toEqual(NOTHING);
    await until(() => subscription.status().lag === 0, "the member tells the same");
  });

  kafkaTest("counts what is not settled behind what was acked out of order, and a member tells the same while it holds it", async (world) => {
    const bus = world.open(ONE);
    await bus.publish(world.name, numbered(10));
    const subscription = await bus.subscribe(world.name, { group: world.name, maxInFlight: 10 });
    const taken = await readSome(subscription, 10, false);
    for (const index of [0, 1, 4, 5, 8]) taken[index]?.ack();
    await subscription.flush();
    await until(() => subscription.status().lag === 5, "five are not settled");
    expect(subscription.status().oldestAt).toEqual(taken[2]?.delivery.publishedAt);
    expect(await adminOf(bus).lag(world.name, world.name)).toEqual({ messages: 5, oldestAt: taken[2]?.delivery.publishedAt });
    await subscription[Symbol.asyncDispose]();
    const next = await world.open(ONE).subscribe(world.name, { group: world.name, maxInFlight: 10 });
    await until(() => next.status().lag === 5, "the next member reads it from the commit");
  });

  kafkaTest("does not count what was deleted before the group read it", async (world) => {
    const bus = world.open(ONE);
    await bus.provision(world.name, { group: world.name });
    await bus.publish(world.name, numbered(10));
    await deleteRecords(world.broker, world.name, 7);
    expect(await adminOf(bus).lag(world.name, world.name)).toMatchObject({ messages: 3 });
  });

  kafkaTest("deletes a group's place in one topic, and leaves the one it has in another", async (world) => {
    const bus = world.open();
    const other = `${world.name}-other`;
    for (const topic of [world.name, other]) {
      await bus.publish(topic, numbered(4));
      await bus.provision(topic, { group: world.name, from: "latest" });
    }
    await adminOf(bus).deleteGroup(world.name, world.name);
    await expect(adminOf(bus).lag(world.name, world.name)).rejects.toMatchObject({ code: "UNKNOWN_GROUP" });
    expect(await adminOf(bus).lag(other, world.name)).toEqual(NOTHING);
    expect(await adminOf(bus).groups(world.name)).toEqual([]);
    expect(await adminOf(bus).groups(other)).toEqual([world.name]);
    expect(await readSome(await bus.subscribe(world.name, { group: world.name }), 4)).toHaveLength(4);
  });

  kafkaTest("moves no group that has a member, also one that holds nothing", async (world) => {
    const bus = world.open();
    const member = await bus.subscribe(world.name, { group: world.name });
    await expect(adminOf(bus).seek(world.name, world.name, "latest")).rejects.toMatchObject({ code: "GROUP_BUSY", retryable: true });
    await expect(adminOf(bus).deleteGroup(world.name, world.name)).rejects.toMatchObject({ code: "GROUP_BUSY", retryable: true });
    await member.close();
    await adminOf(bus).seek(world.name, world.name, "latest");
  });

  kafkaTest("names the topics of the cluster, and none that Kafka keeps for itself", async (world) => {
    const bus = world.open();
    await bus.provision(world.name, { group: world.name });
    const topics = await adminOf(bus).topics();
    expect(topics).toContain(world.name);
    expect(topics.filter((topic) => topic.startsWith("__"))).toEqual([]);
  });
});
