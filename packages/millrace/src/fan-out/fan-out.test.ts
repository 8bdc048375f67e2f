import { describe, expect, it, vi } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type ReceivedMessage, type Subscription } from "../message/index.ts";
import { readMessages } from "../message/read-messages.ts";
import { Router } from "../router/index.ts";
import { FanOut, type FanOutOptions } from "./index.ts";

const IDLE = { idleMs: 5000 };
const texts = (messages: readonly ReceivedMessage[]): string[] => messages.map((message) => message.text());
const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index + 1}`);

async function setUp(options: Partial<FanOutOptions> = {}) {
  const bus = new MemoryPubSub({ persistent: true });
  const fanOut = new FanOut({ subscriber: bus, logger: silentLogger, ...options });
  const publish = (...list: string[]): Promise<void> =>
    bus.publish(
      "orders",
      list.map((text) => new Message(text, { id: `id-${text}`, key: "k", metadata: { n: text } })),
    );
  /** What upstream would hand out again: what is not acked. */
  const unacked = async (count: number): Promise<string[]> => {
    const subscription = await bus.subscribe("orders", { group: "fan_out_orders" });
    const { messages } = await readMessages(subscription, { count, idleMs: count === 0 ? 0 : 5000 });
    expect(subscription.status().lag).toBe(0);
    await subscription.close();
    return texts(messages);
  };
  return { bus, fanOut, publish, unacked };
}

async function take(subscription: Subscription, count: number): Promise<ReceivedMessage[]> {
  const taken: ReceivedMessage[] = [];
  const iterator = subscription[Symbol.asyncIterator]();
  while (taken.length < count) {
    const step = await iterator.next();
    if (step.done) throw new Error("ended early");
    taken.push(step.value);
  }
  await iterator.return?.();
  return taken;
}

describe("FanOut", () => {
  it("gives every message to every branch, in order, and shares it within a group", async () => {
    const { fanOut, publish, unacked, bus } = await setUp();
    const all = await Promise.all([fanOut.subscribe("orders"), fanOut.subscribe("orders"), fanOut.subscribe("orders", { group: "alone" })]);
    const shared = await Promise.all([1, 2].map(() => fanOut.subscribe("orders", { group: "shared" })));
    await fanOut.start();
    await publish(...numbered(200));
    const sharing = Promise.all(shared.map((one) => readMessages(one, { count: 200, idleMs: 200 })));
    const readings = await Promise.all(all.map((one) => readMessages(one, { count: 200, ...IDLE })));
    for (const { messages } of readings) expect(texts(messages)).toEqual(numbered(200));
    const [message] = readings[0]?.messages ?? [];
    expect([message?.id, message?.key, [...(message?.metadata ?? [])]]).toEqual(["id-1", "k", [["n", "1"]]]);
    expect(message?.delivery).toMatchObject({ topic: "orders", attempt: 1, position: "1" });
    const parts = await sharing;
    expect(
      parts
        .flatMap(({ messages }) => texts(messages))
        .map(Number)
        .sort((one, other) => one - other),
    ).toEqual(numbered(200).map(Number));
    await fanOut.close();
    expect(await unacked(0)).toEqual([]);
    await bus.close();
  });

  it("acks upstream only after every branch has", async () => {
    const { fanOut, publish, unacked, bus } = await setUp();
    const [quick, slow] = await Promise.all([fanOut.subscribe("orders"), fanOut.subscribe("orders", { group: "slow", maxInFlight: 3, orderBy: "none" })]);
    await fanOut.start();
    await publish("1", "2", "3");
    await readMessages(quick, { count: 3, ...IDLE });
    const held = await take(slow, 3);
    held[0]?.ack();
    held[2]?.ack();
    await fanOut[Symbol.asyncDispose]();
    expect(held[1]?.ack()).toBe(false);
    // The third has every ack, but acked upstream it would stay before the second for ever.
    expect(await unacked(2)).toEqual(["2", "3"]);
    await bus.close();
  });

  it("keeps a nack within its branch", async () => {
    const { fanOut, publish, unacked, bus } = await setUp();
    const [good, failing] = await Promise.all([fanOut.subscribe("orders"), fanOut.subscribe("orders")]);
    await fanOut.start();
    await publish("1", "2");
    expect(texts((await readMessages(good, { count: 2, ...IDLE })).messages)).toEqual(["1", "2"]);
    const [first] = await take(failing, 1);
    first?.nack();
    const { messages } = await readMessages(failing, { count: 2, ...IDLE });
    expect(messages.map((message) => [message.text(), message.delivery.attempt])).toEqual([
      ["1", 2],
      ["2", 1],
    ]);
    expect((await readMessages(good, { count: 1, idleMs: 20 })).messages).toEqual([]);
    await fanOut.close();
    expect(await unacked(0)).toEqual([]);
    await bus.close();
  });

  it("reads nothing before it is started, and nothing while there is no branch", async () => {
    const { fanOut, publish, bus } = await setUp({ topics: ["orders"] });
    await publish("1");
    await fanOut.start();
    expect(fanOut.health().handlers.fan_out_orders).toMatchObject({ state: "paused", detail: "no branch has subscribed", inFlight: 0 });
    const subscription = await fanOut.subscribe("orders");
    expect(texts((await readMessages(subscription, { count: 1, ...IDLE })).messages)).toEqual(["1"]);
    expect(fanOut.health()).toMatchObject({ live: true, ready: true });
    await fanOut.close();
    await bus.close();
  });

  it("gives back what a closing branch had not acked, so that those who stay see it again", async () => {
    const { fanOut, publish, unacked, bus } = await setUp();
    const [stays, leaves] = await Promise.all([fanOut.subscribe("orders"), fanOut.subscribe("orders")]);
    await fanOut.start();
    await publish("1");
    await readMessages(stays, { count: 1, ...IDLE });
    await take(leaves, 1);
    await leaves[Symbol.asyncDispose]();
    const { messages } = await readMessages(stays, { count: 1, ...IDLE });
    expect(messages.map((message) => [message.text(), message.delivery.attempt])).toEqual([["1", 1]]);
    await fanOut.close();
    expect(await unacked(0)).toEqual([]);
    await bus.close();
  });

  it("hands the messages of a closed member to another member of its group", async () => {
    const { fanOut, publish, bus } = await setUp();
    const [one, other] = [await fanOut.subscribe("orders", { group: "g" }), await fanOut.subscribe("orders", { group: "g" })];
    await fanOut.start();
    const taken = take(one, 1);
    await publish("1");
    await taken;
    await one[Symbol.asyncDispose]();
    expect(texts((await readMessages(other, { count: 1, ...IDLE })).messages)).toEqual(["1"]);
    await fanOut.close();
    await bus.close();
  });

  it("acks nothing upstream without the branches that were provisioned", async () => {
    const { fanOut, publish, unacked, bus } = await setUp({ window: 2 });
    await fanOut.provision("orders", { group: "later" });
    const now = await fanOut.subscribe("orders");
    await fanOut.start();
    await publish("1", "2", "3");
    await readMessages(now, { count: 2, ...IDLE });
    await vi.waitFor(() => expect(fanOut.health().handlers.fan_out_orders).toMatchObject({ state: "blocked", detail: expect.stringContaining('"later"') }));
    const later = await fanOut.subscribe("orders", { group: "later" });
    expect(texts((await readMessages(later, { count: 3, ...IDLE })).messages)).toEqual(["1", "2", "3"]);
    expect(texts((await readMessages(now, { count: 1, ...IDLE })).messages)).toEqual(["3"]);
    await fanOut.close();
    expect(await unacked(0)).toEqual([]);
    await bus.close();
  });

  it("revokes deliveries in the branches when upstream loses the message, and gives it out again when it is back", async () => {
    const bus = new MemoryPubSub({ persistent: true });
    const opened: Subscription[] = [];
    const subscriber = {
      subscribe: async (topic: string, options?: object) => {
        const subscription = await bus.subscribe(topic, options);
        opened.push(subscription);
        return subscription;
      },
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
    const fanOut = new FanOut({ subscriber, logger: silentLogger });
    const [subscription, other] = [await fanOut.subscribe("orders"), await fanOut.subscribe("orders")];
    await fanOut.start();
    await bus.publish("orders", new Message("1"));
    const [held] = await take(subscription, 1);
    const { signal, settled } = held as ReceivedMessage;
    await opened[0]?.[Symbol.asyncDispose]();
    expect(await settled).toBe("lost");
    expect(signal.aborted).toBe(true);
    expect((held as ReceivedMessage).ack()).toBe(false);
    for (const one of [subscription, other]) expect(texts((await readMessages(one, { count: 1, ...IDLE })).messages)).toEqual(["1"]);
    await fanOut.close();
    await bus.close();
  });

  it("tells of each branch how many messages it has not settled, in hand or upstream, and when the oldest was published", async () => {
    const { fanOut, publish, bus } = await setUp({ window: 3 });
    const [quick, slow] = [await fanOut.subscribe("orders"), await fanOut.subscribe("orders")];
    await fanOut.start();
    await publish("1", "2", "3", "4", "5");
    const [held] = await take(slow, 1);
    await readMessages(quick, { count: 3, ...IDLE });
    // Three are in the branches, for the slow one has acked none; two wait upstream.
    await vi.waitFor(() => expect([quick.status().lag, slow.status().lag]).toEqual([2, 5]));
    expect(slow.status().oldestAt).toEqual(held?.delivery.publishedAt);
    expect(quick.status().oldestAt).toBeUndefined();
    held?.ack();
    await vi.waitFor(() => expect(slow.status().lag).toBe(4));
    await Promise.all([readMessages(quick, { count: 2, ...IDLE }), readMessages(slow, { count: 4, ...IDLE })]);
    await vi.waitFor(() => expect([quick.status().lag, slow.status().lag]).toEqual([0, 0]));
    await fanOut.close();
    await bus.close();
  });

  it("adds a topic that is subscribed to while it runs", async () => {
    const { fanOut, bus } = await setUp();
    await fanOut.start();
    const subscription = await fanOut.subscribe("bills");
    fanOut.add("bills", "bills");
    await bus.publish("bills", new Message("b"));
    expect(texts((await readMessages(subscription, { count: 1, ...IDLE })).messages)).toEqual(["b"]);
    expect(Object.keys(fanOut.health().handlers)).toEqual(["fan_out_bills"]);
    await fanOut.close();
    await bus.close();
  });

  it("says so when upstream cannot be subscribed to, and can be tried again", async () => {
    const bus = new MemoryPubSub();
    let broken = true;
    const subscriber = {
      subscribe: async (topic: string, options?: object) => {
        if (broken) throw new MillraceError("no route", { code: "NO_ROUTE" });
        return await bus.subscribe(topic, options);
      },
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
    const fanOut = new FanOut({ subscriber, topics: ["orders"], logger: silentLogger });
    await expect(fanOut.start()).rejects.toMatchObject({ code: "NO_ROUTE" });
    broken = false;
    await fanOut.start();
    broken = true;
    await expect(fanOut.subscribe("bills")).rejects.toMatchObject({ code: "NO_ROUTE" });
    broken = false;
    await (await fanOut.subscribe("bills")).close();
    await fanOut.close();
    await bus.close();
  });

  it("serves a router, which is idle when all branches are", async () => {
    const { fanOut, publish, unacked, bus } = await setUp();
    const router = new Router({ subscriber: fanOut, logger: silentLogger, owns: [fanOut] });
    const seen: string[] = [];
    let failures = 3;
    router.addConsumerHandler({ name: "one", subscribe: "orders", handle: (message) => void seen.push(`one ${message.text()}`) });
    router.addConsumerHandler({
      name: "two",
      subscribe: "orders",
      failure: { minDelayMs: 1, maxDelayMs: 2 },
      handle: async (message) => {
        if (failures-- > 0) throw new Error("not yet");
        seen.push(`two ${message.text()}`);
      },
    });
    await router.start();
    await fanOut.start();
    await publish(...numbered(300));
    await router.idle();
    for (const name of ["one", "two"]) expect(seen.filter((text) => text.startsWith(name))).toEqual(numbered(300).map((text) => `${name} ${text}`));
    await router.close();
    expect(await unacked(0)).toEqual([]);
    await bus.close();
  });

  it("closes as often as one likes, and refuses everything afterwards", async () => {
    const { fanOut, bus } = await setUp({ topics: ["orders"] });
    const running = fanOut.run();
    await fanOut.started;
    await Promise.all([fanOut.close(), fanOut.close()]);
    await running;
    await fanOut[Symbol.asyncDispose]();
    await expect(fanOut.subscribe("orders")).rejects.toMatchObject({ code: "CLOSED" });
    await expect(fanOut.provision("orders")).rejects.toMatchObject({ code: "CLOSED" });
    await expect(fanOut.start()).rejects.toMatchObject({ code: "CLOSED" });
    expect(() => fanOut.add("orders")).toThrow(expect.objectContaining({ code: "CLOSED" }));
    await bus.close();
  });

  it("ends when the signal of its start aborts", async () => {
    const { fanOut, bus } = await setUp({ topics: ["orders"] });
    const stop = new AbortController();
    const running = fanOut.run({ signal: stop.signal });
    await fanOut.started;
    stop.abort();
    await running;
    await bus.close();
  });

  it("names everything that is wrong with its options", async () => {
    expect(() => new FanOut({ topics: [""], window: 0 } as never)).toThrow(/subscriber is missing; topics.*; window/);
    const { fanOut } = await setUp();
    await expect(fanOut.subscribe("", { from: "earliest" })).rejects.toMatchObject({ code: "BAD_OPTION" });
    await expect(fanOut.subscribe("orders", { from: "earliest" })).rejects.toMatchObject({ code: "BAD_OPTION" });
    expect(() => fanOut.add("")).toThrow(expect.objectContaining({ code: "BAD_OPTION" }));
    expect(fanOut.capabilities).toMatchObject({ ordering: "one-member", consumerGroups: true, replay: false });
    await fanOut.close();
  });
});
