import { Message, type Subscription } from "millrace";
import { describe, expect } from "vitest";
import { until } from "../../../test/until.ts";
import { kafkaDelivery } from "./delivery.ts";
import { GroupClient, whileCoordinatorMoves } from "./group-client.ts";
import { KafkaMember } from "./testing/kafka-member.ts";
import { type KafkaWorld, kafkaTest } from "./testing/kafka-test.ts";
import { SHORT_SESSION_MS } from "./testing/test-options.ts";
import { Cluster } from "./wire/cluster.ts";

const ONE = { topics: { partitions: 1 } } as const;

/** Reads until the end of the test, and decides with `decide`. */
function follow(subscription: Subscription, decide: (text: string) => boolean | Promise<boolean> = () => true): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const message of subscription) {
      seen.push(message.text());
      void Promise.resolve(decide(message.text())).then((ack) => ack && message.ack());
    }
  })();
  return seen;
}

async function offsets(world: KafkaWorld, count: number): Promise<number[]> {
  const cluster = new Cluster(world.options);
  const client = await whileCoordinatorMoves(() => GroupClient.open(cluster, world.name, 0));
  try {
    const found = await client.committed(
      world.name,
      Array.from({ length: count }, (_, index) => index),
    );
    return Array.from({ length: count }, (_, index) => found.get(index)?.offset ?? -1);
  } finally {
    client.close();
    cluster.close();
  }
}

const numbered = (from: number, to: number): Message[] => Array.from({ length: to - from }, (_, index) => new Message(String(from + index), { key: "k" }));

describe("a group of Kafka members", () => {
  kafkaTest("never moves its offset back when a member wakes that was frozen beyond its session", async (world) => {
    const bus = world.open({ ...ONE, sessionTimeoutMs: SHORT_SESSION_MS });
    await bus.publish(world.name, numbered(0, 100));
    const frozen = world.use(new KafkaMember(world.broker.url, { topic: world.name, group: world.name, shortLease: true, maxInFlight: 1 }));
    await until(() => frozen.received.length === 1, "the member has the first message in hand");
    for (let acked = 0; acked < 5; acked++) {
      frozen.tell({ order: "ack", id: frozen.received.at(-1) });
      await until(() => frozen.received.length === acked + 2, "the next one is handed out");
    }
    frozen.tell({ order: "flush" });
    await until(() => frozen.has("flushed"), "it has flushed");
    expect(await offsets(world, 1)).toEqual([5]);
    frozen.tell({ order: "ack", id: frozen.received.at(-1) }); // settled, and committed when it wakes
    frozen.freeze();
    const other = await bus.subscribe(world.name, { group: world.name });
    const seen = follow(other);
    await until(() => seen.includes("99"), "the other member has the rest", 40_000);
    await other.flush();
    expect(await offsets(world, 1)).toEqual([100]);
    frozen.wake();
    await until(() => frozen.has("settled") || frozen.received.length >= 6, "the woken one goes on");
    await bus.publish(world.name, numbered(100, 110));
    const positions: (number | undefined)[] = [];
    const now = async (): Promise<number | undefined> => {
      const [position] = await offsets(world, 1);
      positions.push(position);
      return position;
    };
    await until(async () => (await now()) === 110 || frozen.received.length > 6, "the group goes on", 40_000);
    await now();
    expect(positions.filter((position) => position === undefined || position < 100)).toEqual([]);
    expect(seen.filter((text) => Number(text) < 5)).toEqual([]);
  });

  kafkaTest("waits for the handlers of a partition that moves, commits, and only then gives it up; the others go on meanwhile", async (world) => {
    const bus = world.open({ topics: { partitions: 2 }, partitioner: (key) => Number(String(Buffer.from(key)).slice(0, 1)) });
    const subscription = await bus.subscribe(world.name, { group: world.name, maxInFlight: 4 });
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const seen = follow(subscription, async (text) => {
      if (text.startsWith("slow")) await slow;
      return true;
    });
    await bus.publish(world.name, [new Message("slow0", { key: "0" }), new Message("slow1", { key: "1" })]);
    await until(() => seen.length === 2, "both partitions have a message in hand");
    const second = await world.open().subscribe(world.name, { group: world.name, maxInFlight: 4 });
    const seenBySecond = follow(second);
    await new Promise((resolve) => setTimeout(resolve, 1500)); // by now the first one knows which of the two is to move
    await bus.publish(world.name, [new Message("next0", { key: "0, another" }), new Message("next1", { key: "1, another" })]);
    await until(() => seen.length === 3, "what stays goes on, although a handler of its partition is slow");
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([seen.length, seenBySecond]).toEqual([3, []]); // what moves is handed out to nobody
    release();
    await until(() => seenBySecond.length === 1, "what moved goes on");
    expect([...seen, ...seenBySecond].sort()).toEqual(["next0", "next1", "slow0", "slow1"]); // what was slow is committed, and comes to nobody again
  });

  kafkaTest("gives a partition up when its budget is over; the late verdict answers false, and the message comes again elsewhere", async (world) => {
    const options = { topics: { partitions: 2 }, revokeDrainMs: 300 };
    const subscription = await world.open(options).subscribe(world.name, { group: world.name, maxInFlight: 4 });
    const held = new Map<number, { ack(): boolean; readonly signal: AbortSignal; readonly settled: Promise<string> }>();
    void (async () => {
      for await (const message of subscription) held.set(kafkaDelivery(message)?.partition ?? -1, message);
    })();
    const publisher = world.open({ ...options, partitioner: (key) => Number(String(Buffer.from(key))) });
    await publisher.publish(world.name, [new Message("0", { key: "0" }), new Message("1", { key: "1" })]);
    await until(() => held.size === 2, "both are in hand");
    const settled = [...held.values()].map((message) => message.settled);
    const seen = follow(await world.open(options).subscribe(world.name, { group: world.name, maxInFlight: 4 }));
    expect(await Promise.race(settled)).toBe("lost");
    const lost = [...held].find(([, { signal }]) => signal.aborted);
    expect(lost?.[1].ack()).toBe(false);
    await until(() => seen.length === 1, "it comes again to the other member");
    expect(seen).toEqual([String(lost?.[0])]);
    await subscription[Symbol.asyncDispose]();
  });

  kafkaTest("goes on where a member left off that closed, without a wait", async (world) => {
    const bus = world.open({ sessionTimeoutMs: 30_000 });
    await bus.publish(world.name, numbered(0, 10));
    const first = await bus.subscribe(world.name, { group: world.name });
    const seen = follow(first);
    await until(() => seen.length === 10, "ten are read");
    await first.close();
    const began = performance.now();
    const next = follow(await world.open({ sessionTimeoutMs: 30_000 }).subscribe(world.name, { group: world.name }));
    await bus.publish(world.name, numbered(10, 11));
    await until(() => next.length === 1, "the next one is read");
    expect(next).toEqual(["10"]);
    expect(performance.now() - began).toBeLessThan(5_000); // a session is 30 s
  });

  kafkaTest("is shared by eager members, as Go clients are, when told to", async (world) => {
    const options = { rebalance: "eager" } as const;
    const bus = world.open(options);
    const one = follow(await bus.subscribe(world.name, { group: world.name, maxInFlight: 4 }));
    const two = follow(await world.open(options).subscribe(world.name, { group: world.name, maxInFlight: 4 }));
    const messages = Array.from({ length: 200 }, (_, index) => new Message(String(index), { key: `k${index}` }));
    await until(async () => {
      await bus.publish(world.name, messages);
      return one.length > 0 && two.length > 0;
    }, "both members read");
    await until(() => new Set([...one, ...two]).size === 200, "everything is read");
    await expect(world.open().subscribe(world.name, { group: world.name })).rejects.toMatchObject({ code: "GROUP_MISMATCH" });
  });

  kafkaTest("reads partitions that are added while it reads", async (world) => {
    const { Admin } = await import("@platformatic/kafka");
    const bus = world.open({ ...ONE, topicRefreshMs: 500 });
    const seen = follow(await bus.subscribe(world.name, { group: world.name }));
    const alone = follow(await bus.subscribe(world.name));
    await bus.publish(world.name, numbered(0, 1));
    await until(() => seen.length === 1, "the first partition is read");
    const admin = new Admin({ clientId: "t", bootstrapBrokers: [`127.0.0.1:${world.broker.port}`] });
    await admin.createPartitions({ topics: [{ name: world.name, count: 3, assignments: null as never }] });
    await admin.close();
    const wide = world.open({ partitioner: () => 2 });
    await wide.publish(world.name, numbered(1, 2));
    await until(() => seen.includes("1") && alone.includes("1"), "the new partition is read, with a group and without");
  });
});
