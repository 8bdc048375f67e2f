import { Message, OptionError } from "millrace";
import { describe, expect } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { watermillCodec } from "./codec.ts";
import { kafkaDelivery } from "./delivery.ts";
import { GroupClient, whileCoordinatorMoves } from "./group-client.ts";
import { readRanges } from "./settled-ranges.ts";
import { deleteRecords } from "./testing/delete-records.ts";
import { type KafkaWorld, kafkaTest } from "./testing/kafka-test.ts";
import { tombstone } from "./tombstone.ts";
import { Cluster } from "./wire/cluster.ts";

const ONE = { topics: { partitions: 1 } } as const;

/** What the group has on record of partition 0. */
async function committed(world: KafkaWorld, group: string): Promise<{ readonly offset: number; readonly note?: string | null | undefined } | undefined> {
  const cluster = new Cluster(world.options);
  const client = await whileCoordinatorMoves(() => GroupClient.open(cluster, group, 0));
  try {
    return (await whileCoordinatorMoves(() => client.committed(world.name, [0]))).get(0);
  } finally {
    client.close();
    cluster.close();
  }
}

describe("reading from Kafka", () => {
  kafkaTest("tells partition, offset, timestamp and position of a delivery", async (world) => {
    const bus = world.open(ONE);
    const before = Date.now();
    await bus.publish(world.name, [new Message("a", { key: "k" }), new Message("b")]);
    const [, second] = await readSome(await bus.subscribe(world.name), 2);
    if (second === undefined) throw new Error("no second message");
    expect(second.delivery).toMatchObject({ topic: world.name, position: "0:1", attempt: 1 });
    expect(kafkaDelivery(second)).toMatchObject({ partition: 0, offset: 1, key: null, tombstone: false });
    expect(second.delivery.publishedAt?.getTime()).toBeGreaterThanOrEqual(before);
    expect(kafkaDelivery(second)?.timestamp).toEqual(second.delivery.publishedAt);
    expect(kafkaDelivery({ ...second, delivery: { topic: "t", attempt: 1 } } as never)).toBeUndefined();
  });

  kafkaTest("reads a null value as an empty payload and a tombstone, and writes it as one when it is forwarded or copied", async (world) => {
    const bus = world.open(ONE);
    await bus.publish(world.name, [tombstone("gone", { metadata: { why: "asked" } }), new Message("", { key: "empty" })]);
    const [gone, empty] = await readSome(await bus.subscribe(world.name), 2);
    if (gone === undefined || empty === undefined) throw new Error("two messages are missing");
    expect([gone.key, gone.payload.length, kafkaDelivery(gone)?.tombstone, gone.metadata.get("why")]).toEqual(["gone", 0, true, "asked"]);
    expect(kafkaDelivery(empty)?.tombstone).toBe(false);
    const other = `${world.name}-forwarded`;
    await bus.publish(other, [gone, gone.copy({ metadata: { why: "copied" } }), empty]);
    const got = await readSome(await bus.subscribe(other), 3);
    expect(got.map((message) => [message.id, message.key, kafkaDelivery(message)?.tombstone])).toEqual([
      [gone.id, "gone", true],
      [gone.id, "gone", true],
      [empty.id, "empty", false],
    ]);
  });

  kafkaTest(
    "keeps headers that are not UTF-8, repeat or are null when their message is forwarded, as far as its metadata still says the same",
    async (world) => {
      const raw = [
        ["bin", Uint8Array.of(0xff, 0, 0xfe)],
        ["twice", "1"],
        ["twice", "2"],
        ["none", null],
        [Uint8Array.of(0xc3, 0x28), "odd name"],
        ["changed", Uint8Array.of(0xff)],
      ] as const;
      const foreign = world.open({
        ...ONE,
        codec: { encode: (_topic, { key, payload }) => ({ key, value: payload, headers: raw }), decode: watermillCodec().decode },
      });
      await foreign.publish(world.name, new Message("m", { key: "k" }));
      const bus = world.open(ONE);
      const [message] = await readSome(await bus.subscribe(world.name), 1);
      if (message === undefined) throw new Error("no message");
      expect(message.metadata.get("twice")).toBe("2");
      expect(message.metadata.get("none")).toBe("");
      const other = `${world.name}-forwarded`;
      const changed = message.derive({ metadata: [...message.metadata].map(([name, value]) => [name, name === "changed" ? "new" : value] as const) });
      await bus.publish(other, [message, changed]);
      const [same, derived] = await readSome(await bus.subscribe(other), 2);
      const headersOf = (received: typeof same): (readonly [string, string | null])[] =>
        (received === undefined ? [] : (kafkaDelivery(received)?.headers ?? [])).map(([name, value]) => [name.toString("hex"), value?.toString("hex") ?? null]);
      const expected = raw.map(([name, value]) => [
        Buffer.from(name as string).toString("hex"),
        value === null ? null : Buffer.from(value as string).toString("hex"),
      ]);
      expect(headersOf(same).slice(1)).toEqual(expected);
      expect(headersOf(derived).slice(1).sort()).toEqual(
        [...expected.slice(0, -1), [Buffer.from("changed").toString("hex"), Buffer.from("new").toString("hex")]].sort(),
      );
    },
  );

  kafkaTest("keeps a key that is not UTF-8 when its message is forwarded", async (world) => {
    const key = Uint8Array.of(0xff, 1);
    const foreign = world.open({ ...ONE, codec: { encode: (_topic, { payload }) => ({ key, value: payload, headers: [] }), decode: watermillCodec().decode } });
    await foreign.publish(world.name, new Message("m"));
    const [message] = await readSome(await foreign.subscribe(world.name), 1);
    if (message === undefined) throw new Error("no message");
    const bus = world.open(ONE);
    await bus.publish(`${world.name}-forwarded`, message);
    const [forwarded] = await readSome(await bus.subscribe(`${world.name}-forwarded`), 1);
    expect(kafkaDelivery(forwarded as typeof message)?.key).toEqual(Buffer.from(key));
  });

  kafkaTest("reads with no group from the earliest, the latest, a time, and offsets of several partitions", async (world) => {
    const bus = world.open({ topics: { partitions: 2 }, partitioner: (key) => Number(String(Buffer.from(key))) });
    const message = (text: string, partition: number): Message => new Message(text, { key: String(partition) });
    await bus.publish(world.name, [message("a0", 0), message("b0", 0), message("a1", 1), message("b1", 1)]);
    const texts = async (from: Parameters<typeof bus.subscribe>[1], count: number): Promise<string[]> =>
      (await readSome(await bus.subscribe(world.name, from), count)).map((each) => each.text()).sort();
    expect(await texts({}, 4)).toEqual(["a0", "a1", "b0", "b1"]);
    expect(await texts({ from: { position: "0:1,1:1" } }, 2)).toEqual(["b0", "b1"]);
    expect(await texts({ from: { position: "0:2" } }, 2)).toEqual(["a1", "b1"]);
    const latest = await bus.subscribe(world.name, { from: "latest" });
    const future = await bus.subscribe(world.name, { from: { time: new Date(Date.now() + 3_600_000) } });
    await bus.publish(world.name, message("c0", 0));
    expect((await readSome(latest, 1))[0]?.text()).toBe("c0");
    expect((await readSome(future, 1))[0]?.text()).toBe("c0");
    expect(await committed(world, world.name)).toBeUndefined();
    await expect(bus.subscribe(world.name, { from: { position: "nowhere" } })).rejects.toThrow(OptionError);
  });

  kafkaTest("shows the lag, and counts it down as messages are settled", async (world) => {
    const bus = world.open(ONE);
    await bus.publish(
      world.name,
      Array.from({ length: 50 }, (_, index) => new Message(String(index))),
    );
    const subscription = await bus.subscribe(world.name, { group: world.name });
    const [first] = await readSome(subscription, 1, false);
    await until(() => subscription.status().lag === 50, "the lag is 50");
    first?.ack();
    await subscription.flush();
    expect(subscription.status().lag).toBe(49);
    subscription.pause();
    await world.open(ONE).publish(world.name, new Message("more"));
    await until(() => subscription.status().lag === 50, "the lag grows although nothing is fetched");
  });

  kafkaTest("commits the contiguous settled prefix, and notes what is settled beyond it, so that a new member repeats only the rest", async (world) => {
    const bus = world.open({ ...ONE, revokeDrainMs: 0 });
    await bus.publish(
      world.name,
      Array.from({ length: 10 }, (_, index) => new Message(String(index), { key: `k${index}` })),
    );
    const subscription = await bus.subscribe(world.name, { group: world.name, maxInFlight: 10 });
    const taken = await readSome(subscription, 10, false);
    for (const index of [0, 1, 4, 5, 8]) taken[index]?.ack();
    await subscription.flush();
    const record = await committed(world, world.name);
    expect(record?.offset).toBe(2);
    expect(readRanges(2, record?.note)).toEqual([
      { begin: 4, end: 6 },
      { begin: 8, end: 9 },
    ]);
    await subscription[Symbol.asyncDispose]();
    const next = await world.open(ONE).subscribe(world.name, { group: world.name, maxInFlight: 10 });
    expect((await readSome(next, 5)).map((message) => message.text())).toEqual(["2", "3", "6", "7", "9"]);
    await next.flush();
    expect(await committed(world, world.name)).toMatchObject({ offset: 10, note: "" });
  });

  kafkaTest("pauses one partition at the gap, says so, and goes on with the others", async (world) => {
    const bus = world.open({ topics: { partitions: 2 }, partitioner: (key) => (key[0] === 0x61 ? 0 : 1), maxGap: 20 });
    await bus.publish(
      world.name,
      Array.from({ length: 60 }, (_, index) => new Message(String(index), { key: `${index < 30 ? "a" : "b"}${index}` })),
    );
    const subscription = await bus.subscribe(world.name, { group: world.name, maxInFlight: 40 });
    const seen: string[] = [];
    let held: { ack(): boolean } | undefined;
    void (async () => {
      for await (const message of subscription) {
        seen.push(message.text());
        if (message.text() === "0") held = message;
        else message.ack();
      }
    })();
    await until(
      () => seen.filter((text) => Number(text) >= 30).length === 30 && subscription.status().state === "blocked",
      "the other partition is read, and the state is blocked",
    );
    expect(subscription.status().detail).toContain("partition 0");
    expect(seen.filter((text) => Number(text) < 30).length).toBe(20);
    held?.ack();
    await until(() => seen.length === 60, "the rest is read");
    await until(() => subscription.status().state === "running", "the state is running again");
  });

  kafkaTest("orders by partition when told to", async (world) => {
    const bus = world.open({ ...ONE, orderBy: "partition" });
    await bus.publish(world.name, [new Message("a", { key: "x" }), new Message("b", { key: "y" })]);
    const subscription = await bus.subscribe(world.name, { maxInFlight: 10 });
    const [first] = await readSome(subscription, 1, false);
    expect(first?.delivery.orderingKey).toBe("partition 0");
    expect(subscription.status().inFlight).toBe(1);
    first?.ack();
    expect((await readSome(subscription, 1))[0]?.text()).toBe("b");
  });

  kafkaTest("goes on at the first record that is left when those were deleted at which it stood", async (world) => {
    const bus = world.open(ONE);
    const numbered = Array.from({ length: 10 }, (_, index) => new Message(String(index)));
    await bus.publish(world.name, numbered.slice(0, 5));
    const member = await bus.subscribe(world.name, { group: world.name });
    await readSome(member, 3);
    await member.close();
    await bus.publish(world.name, numbered.slice(5));
    await deleteRecords(world.broker, world.name, 7);
    const texts = async (group?: string): Promise<string[]> =>
      (await readSome(await bus.subscribe(world.name, group === undefined ? {} : { group }), 3)).map((message) => message.text());
    expect(await Promise.all([texts(world.name), texts(`${world.name}-new`), texts()])).toEqual(Array(3).fill(["7", "8", "9"]));
  });

  kafkaTest("makes its topic anew when it was deleted under it", async (world) => {
    const { Admin } = await import("@platformatic/kafka");
    const bus = world.open({ ...ONE, requestTimeoutMs: 2000 });
    await bus.publish(world.name, new Message("before"));
    const subscription = await bus.subscribe(world.name, { group: world.name });
    await readSome(subscription, 1);
    await subscription.flush();
    const solo = await bus.subscribe(world.name, { from: "latest" });
    const admin = new Admin({ clientId: "t", bootstrapBrokers: [`127.0.0.1:${world.broker.port}`] });
    await admin.deleteTopics({ topics: [world.name] });
    await admin.close();
    const reading = Promise.all([readSome(subscription, 1), readSome(solo, 1)]);
    await until(
      () =>
        world
          .open({ ...ONE, publishTimeoutMs: 2000 })
          .publish(world.name, new Message("after"))
          .then(
            () => true,
            () => false,
          ),
      "the topic is there again",
    );
    for (const [message] of await reading) expect(message?.text()).toBe("after");
  });
});
