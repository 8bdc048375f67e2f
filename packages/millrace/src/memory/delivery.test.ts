import { describe, expect, it } from "vitest";
import { silentLogger } from "../logger/index.ts";
import { Message } from "../message/index.ts";
import { collect, texts } from "./collect.fixture.ts";
import { MemoryPubSub } from "./index.ts";

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index)));
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

describe("MemoryPubSub", () => {
  it("hands every group all messages, in order, and members of a group share them", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const [a, b1, b2] = [await bus.subscribe("t", { group: "a" }), await bus.subscribe("t", { group: "b" }), await bus.subscribe("t", { group: "b" })];
    const shared: string[] = [];
    const readings = [b1, b2].map(async (member) => {
      for await (const message of member) {
        shared.push(message.text());
        message.ack();
        if (shared.length === 10) await Promise.all([b1.close(), b2.close()]);
      }
    });
    await bus.publish("t", numbered(10));
    expect(await texts(a, 10)).toEqual(numbers(10));
    await Promise.all(readings);
    expect(shared.sort()).toEqual(numbers(10));
  });

  it("hands subscriptions without a group everything, each for itself", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const [one, two] = [await bus.subscribe("t"), await bus.subscribe("t")];
    await bus.publish("t", numbered(3));
    expect([await texts(one, 3), await texts(two, 3)]).toEqual([numbers(3), numbers(3)]);
  });

  it("keeps the order of publishing across many single publishes", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const subscription = await bus.subscribe("t");
    const reading = texts(subscription, 3000);
    await Promise.all(numbered(3000).map((message) => bus.publish("t", message)));
    expect(await reading).toEqual(numbers(3000));
  });

  it("takes a snapshot of metadata at publish, and shares the payload bytes", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const [one, two] = [await bus.subscribe("t"), await bus.subscribe("t")];
    const message = new Message("x", { id: "m", key: "k", metadata: { a: "1" } });
    const publishing = bus.publish("t", message);
    message.metadata.set("a", "changed").set("b", "2");
    await publishing;
    const [[first], [second]] = [await collect(one, 1), await collect(two, 1)];
    expect([first?.id, first?.key, [...(first?.metadata ?? [])]]).toEqual(["m", "k", [["a", "1"]]]);
    first?.metadata.set("a", "mine");
    expect(second?.metadata.get("a")).toBe("1");
    expect(first?.payload).toBe(message.payload);
  });

  it("publishes a received message again without touching its verdict", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const [from, to] = [await bus.subscribe("in"), await bus.subscribe("out")];
    await bus.publish("in", new Message("x", { id: "m", key: "k", metadata: { a: "1" } }));
    for await (const message of from) {
      await bus.publish("out", message.derive({ metadata: { b: "2" } }));
      expect(from.status().inFlight).toBe(1);
      expect(message.nack()).toBe(true);
      break;
    }
    const [copy] = await collect(to, 1);
    expect([copy?.id, copy?.key, copy?.text(), [...(copy?.metadata ?? [])], copy?.delivery.topic]).toEqual(["m", "k", "x", [["b", "2"]], "out"]);
  });

  it("tells topic, group, position and key of a delivery", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const subscription = await bus.subscribe("t", { group: "g" });
    await bus.publish("t", new Message("x", { key: "k" }));
    const [message] = await collect(subscription, 1);
    expect(message?.delivery).toMatchObject({ topic: "t", group: "g", position: "1", orderingKey: "k", attempt: 1 });
  });

  it("drops what nobody has subscribed to, and keeps it for a provisioned group", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    await bus.publish("t", new Message("lost"));
    await bus.provision("t", { group: "g" });
    await bus.publish("t", new Message("kept"));
    expect(await texts(await bus.subscribe("t", { group: "g" }), 1)).toEqual(["kept"]);
  });

  it("gives unsettled messages of a closed member to another one, in their old place", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const one = await bus.subscribe("t", { group: "g" });
    const two = await bus.subscribe("t", { group: "g" });
    await bus.publish("t", numbered(4));
    const iterator = one[Symbol.asyncIterator]();
    await iterator.next();
    await one[Symbol.asyncDispose]();
    const seen = await collect(two, 4);
    expect(seen.map((message) => [message.text(), message.delivery.attempt])).toEqual(numbers(4).map((text) => [text, 1]));
  });

  it("gives what two members gave back to a third in its old order, whoever closed first", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const members = [await bus.subscribe("t", { group: "g" }), await bus.subscribe("t", { group: "g" })];
    const taking = members.map((member) => member[Symbol.asyncIterator]().next());
    await bus.publish("t", numbered(4));
    await Promise.all(taking);
    const third = await bus.subscribe("t", { group: "g" });
    for (const member of members) await member[Symbol.asyncDispose]();
    expect((await collect(third, 4)).map((message) => message.text())).toEqual(numbers(4));
  });

  it("gives back at pause what another member can have", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const one = await bus.subscribe("t", { group: "g" });
    one[Symbol.asyncIterator]();
    await bus.publish("t", new Message("x"));
    expect(one.status().held).toBe(1);
    one.pause();
    expect(await texts(await bus.subscribe("t", { group: "g" }), 1)).toEqual(["x"]);
  });

  it("redelivers after a nack without spinning, the original metadata restored", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const subscription = await bus.subscribe("t");
    await bus.publish("t", new Message("x", { metadata: { a: "1" } }));
    const attempts: number[] = [];
    for await (const message of subscription) {
      expect([...message.metadata]).toEqual([["a", "1"]]);
      message.metadata.set("a", "touched");
      if (attempts.push(message.delivery.attempt) < 3) message.nack({ delayMs: 1 });
      else if (message.ack()) break;
    }
    expect(attempts).toEqual([1, 2, 3]);
  });
});

describe("a persistent MemoryPubSub", () => {
  it("replays everything, in order, to new groups and to readers without a group", async () => {
    await using bus = new MemoryPubSub({ persistent: true, logger: silentLogger });
    await bus.publish("t", numbered(5));
    expect(await texts(await bus.subscribe("t", { group: "g" }), 5)).toEqual(numbers(5));
    const reading = await bus.subscribe("t");
    await bus.publish("t", new Message("5"));
    expect(await texts(reading, 6)).toEqual(numbers(6));
  });

  it("has no gap and no duplicate between replay and live", async () => {
    await using bus = new MemoryPubSub({ persistent: true, logger: silentLogger });
    const publishing = (async () => {
      for (const message of numbered(500)) {
        await bus.publish("t", message);
        if (message.text().endsWith("7")) await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const readings: Promise<string[]>[] = [];
    for (let reader = 0; reader < 50; reader++) {
      readings.push(texts(await bus.subscribe("t"), 500));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await publishing;
    for (const reading of await Promise.all(readings)) expect(reading).toEqual(numbers(500));
  });

  it("remembers each group's position while it lives, and none for readers without a group", async () => {
    await using bus = new MemoryPubSub({ persistent: true, logger: silentLogger });
    await bus.publish("t", numbered(4));
    const first = await bus.subscribe("t", { group: "g" });
    expect(await texts(first, 2)).toEqual(["0", "1"]);
    await first.close();
    expect(await texts(await bus.subscribe("t", { group: "g", from: "earliest" }), 2)).toEqual(["2", "3"]);
    expect(await texts(await bus.subscribe("t"), 4)).toEqual(numbers(4));
  });

  it("begins at latest, at a time, or at a delivery's position", async () => {
    await using bus = new MemoryPubSub({ persistent: true, logger: silentLogger });
    await bus.publish("t", numbered(2));
    await new Promise((resolve) => setTimeout(resolve, 5));
    const time = new Date();
    await bus.publish("t", new Message("2"));
    const latest = await bus.subscribe("t", { from: "latest" });
    await bus.publish("t", new Message("3"));
    expect(await texts(latest, 1)).toEqual(["3"]);
    expect(await texts(await bus.subscribe("t", { from: { time } }), 2)).toEqual(["2", "3"]);
    const [, second] = await collect(await bus.subscribe("t"), 2);
    expect(await texts(await bus.subscribe("t", { from: { position: second?.delivery.position as string } }), 3)).toEqual(["1", "2", "3"]);
    expect(second?.delivery.publishedAt).toBeInstanceOf(Date);
  });
});
