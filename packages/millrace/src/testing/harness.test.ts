import { describe, expect, it } from "vitest";
import { silentLogger } from "../logger/index.ts";
import { Message, type ReceivedMessage, readMessages, type Subscription } from "../message/index.ts";
import { Router } from "../router/index.ts";
import { type Harness, harness } from "./harness.ts";

/** Reads in the background with this verdict. */
function handle(subscription: Subscription, decide: (message: ReceivedMessage) => unknown): void {
  const read = async (): Promise<void> => {
    for await (const message of subscription) {
      try {
        await decide(message);
        message.ack();
      } catch {
        message.nack({ delayMs: 30_000 });
      }
    }
  };
  read().catch(() => {});
}

async function texts(app: Harness, count: number, publish: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  handle(await app.pubsub.subscribe("in", { group: "g" }), (message) => seen.push(`${message.text()}#${message.delivery.attempt}`));
  await publish();
  await app.settled();
  expect(seen).toHaveLength(count);
  return seen;
}

describe("harness", () => {
  it("shows what was published, by topic and time", async () => {
    await using app = harness({ start: new Date("2026-01-01T00:00:00Z") });
    await app.pubsub.publish("a", [new Message("1"), new Message("2")]);
    await app.advance(60_000);
    await app.pubsub.publish("b", new Message("3"));
    expect(app.published("a").map(({ message }) => message.text())).toEqual(["1", "2"]);
    expect(app.published().map(({ topic, at }) => `${topic} ${at.toISOString()}`)).toEqual([
      "a 2026-01-01T00:00:00.000Z",
      "a 2026-01-01T00:00:00.000Z",
      "b 2026-01-01T00:01:00.000Z",
    ]);
  });

  it("shows key bytes, due time and topic of what was published, and delivers every key byte for byte", async () => {
    await using app = harness();
    const keys = [Uint8Array.of(0xff, 0), new Uint8Array(), new TextEncoder().encode("\ufeffk")];
    const deliverAt = new Date(0);
    for (const key of keys) await app.pubsub.publish("t", new Message("x", { key, deliverAt, topic: "own" }));
    expect(app.published("t").map(({ message }) => [message.keyBytes, message.dueAt, message.topic])).toEqual(keys.map((key) => [key, deliverAt, "own"]));
    const { messages } = await app.run(readMessages(await app.pubsub.subscribe("t"), { count: 3 }));
    expect(messages.map(({ keyBytes }) => keyBytes)).toEqual(keys);
  });

  it("settles retries of thirty seconds without waiting for them", async () => {
    await using app = harness({ start: new Date(0) });
    const attempts: number[] = [];
    handle(await app.pubsub.subscribe("in", { group: "g" }), ({ delivery }) => {
      attempts.push(delivery.attempt);
      if (delivery.attempt < 3) throw new Error("not yet");
    });
    await app.pubsub.publish("in", new Message("m"));
    await app.advance(29_999);
    expect(attempts).toEqual([1]);
    await app.settled({ withinMs: 120_000 });
    expect(attempts).toEqual([1, 2, 3]);
    expect(app.now.getTime()).toBeGreaterThanOrEqual(60_000);
  });

  it("settles a chain in which one handler's output is another's input", async () => {
    await using app = harness();
    handle(await app.pubsub.subscribe("one", { group: "g" }), (message) => app.pubsub.publish("two", message.copy()));
    handle(await app.pubsub.subscribe("two", { group: "g" }), (message) => app.pubsub.publish("three", message.copy()));
    await app.pubsub.publish("one", [new Message("a"), new Message("b")]);
    await app.settled();
    expect(app.published("three").map(({ message }) => message.text())).toEqual(["a", "b"]);
  });

  it("says what does not settle", async () => {
    const app = harness();
    const subscription = await app.pubsub.subscribe("in", { group: "g" });
    await app.pubsub.publish("in", new Message("m"));
    await subscription[Symbol.asyncIterator]().next();
    await expect(app.settled({ withinMs: 1000 })).rejects.toMatchObject({ code: "NOT_SETTLED", message: expect.stringContaining("in (running, 1 in flight") });
    await app.run(subscription[Symbol.asyncDispose]());
    await app[Symbol.asyncDispose]();
  });

  it("delivers a message twice on order", async () => {
    await using app = harness();
    app.faults.duplicate({ topic: "in", nth: 2 });
    const seen = await texts(app, 4, () => app.pubsub.publish("in", [new Message("1"), new Message("2"), new Message("3")]));
    expect(seen).toEqual(["1#1", "2#1", "2#1", "3#1"]);
    expect(app.published("in")).toHaveLength(3);
  });

  it("delivers messages in reverse on order, and lets go what is left when it settles", async () => {
    await using app = harness();
    app.faults.reorder({ topic: "in", count: 3 }).reorder({ topic: "in", count: 3 });
    const seen = await texts(app, 5, async () => {
      for (const text of ["1", "2", "3", "4", "5"]) await app.pubsub.publish("in", new Message(text));
    });
    expect(seen).toEqual(["3#1", "2#1", "1#1", "5#1", "4#1"]);
  });

  it("fails publish calls on order, stored or not", async () => {
    await using app = harness();
    app.faults.failPublish({ topic: "in", outcome: "unknown" }).failPublish({ topic: "other", nth: 2 });
    const seen = await texts(app, 1, async () => {
      await expect(app.pubsub.publish("in", new Message("stored"))).rejects.toMatchObject({ code: "INJECTED", outcomes: ["unknown"] });
      await app.pubsub.publish("other", new Message("1"));
      await expect(app.pubsub.publish("other", [new Message("2"), new Message("3")])).rejects.toMatchObject({ outcomes: ["rejected", "rejected"] });
    });
    expect(seen).toEqual(["stored#1"]);
    expect(app.published("other").map(({ message }) => message.text())).toEqual(["1"]);
  });

  it("fails deliveries on order, which come again with a higher attempt", async () => {
    await using app = harness();
    app.faults.failDelivery({ topic: "in", nth: 2 });
    const seen = await texts(app, 3, () => app.pubsub.publish("in", [new Message("1"), new Message("2"), new Message("3")]));
    expect(seen).toEqual(["1#1", "2#2", "3#1"]);
  });

  it("puts the real clock back when it is disposed, also with messages in hand", async () => {
    const real = globalThis.setTimeout;
    const app = harness();
    const subscription = await app.pubsub.subscribe("in", { group: "g" });
    await app.pubsub.publish("in", new Message("m"));
    await subscription[Symbol.asyncIterator]().next();
    await app[Symbol.asyncDispose]();
    expect(globalThis.setTimeout).toBe(real);
    expect(subscription.status().state).toBe("stopped");
  });

  it("moves time until delayed messages have come, those that a handler delays as well", async () => {
    await using app = harness({ start: new Date(0) });
    const seen: string[] = [];
    handle(await app.pubsub.subscribe("in", { group: "g" }), async (message) => {
      seen.push(`${message.text()} ${Date.now()}`);
      if (message.text() === "1") await app.pubsub.publish("in", new Message("2", { delayMs: 20_000 }));
    });
    await app.pubsub.publish("in", [new Message("1", { delayMs: 30_000 }), new Message("now")]);
    await app.advance(29_999);
    expect(seen).toEqual(["now 0"]);
    await app.settled();
    expect(seen).toEqual(["now 0", "1 30000", "2 50000"]);
    expect(app.now.getTime()).toBe(50_000);
  });

  it("says what is delayed for longer than it may wait, after everything that is due until then", async () => {
    await using app = harness({ start: new Date(0) });
    const seen: string[] = [];
    handle(await app.pubsub.subscribe("in", { group: "g" }), (message) => seen.push(message.text()));
    await app.pubsub.publish("in", [new Message("soon", { delayMs: 5000 }), new Message("tomorrow", { delayMs: 24 * 3_600_000 })]);
    await expect(app.settled()).rejects.toMatchObject({ code: "NOT_SETTLED", message: expect.stringContaining("1970-01-02T00:00:00.000Z") });
    expect([seen, app.now.getTime()]).toEqual([["soon"], 60_000]);
    await app.settled({ withinMs: 24 * 3_600_000 });
    expect(seen).toEqual(["soon", "tomorrow"]);
  });

  it("moves delayed messages of handlers in a router, at the moment they are due", async () => {
    await using app = harness({ start: new Date(0) });
    const router = new Router({ subscriber: app.pubsub, publisher: app.pubsub, logger: silentLogger });
    const handled: number[] = [];
    router.addHandler({ name: "remind", subscribe: "placed", publish: "reminders", handle: () => new Message("pay", { delayMs: 45_000 }) });
    router.addConsumerHandler({ name: "send", subscribe: "reminders", handle: () => void handled.push(Date.now()) });
    await app.run(router.start());
    await app.pubsub.publish("placed", new Message("o-1"));
    await app.run(router.idle());
    expect(handled).toEqual([]);
    await app.settled();
    expect(handled).toEqual([45_000]);
    await app.run(router.close());
  });

  it("rejects what is no message, and promises what its pub/sub does", async () => {
    await using app = harness();
    await expect(app.pubsub.publish("in", undefined as unknown as Message)).rejects.toMatchObject({ code: "BAD_OPTION" });
    await expect(app.pubsub.publish("", new Message("x"))).rejects.toMatchObject({ code: "BAD_OPTION" });
    expect(app.published()).toEqual([]);
    expect(app.pubsub.capabilities).toMatchObject({ replay: true, maxPublishDelayMs: Infinity });
  });

  it("runs a router, whose retries and closing take no time", async () => {
    await using app = harness({ start: new Date(0) });
    const router = new Router({ subscriber: app.pubsub, publisher: app.pubsub, logger: silentLogger });
    let failures = 0;
    router.addHandler({
      name: "double",
      subscribe: "in",
      publish: "out",
      failure: { minDelayMs: 10_000 },
      handle: (message) => {
        if (message.text() === "b" && failures++ < 2) throw new Error("not yet");
        return new Message(`${message.text()}${message.text()}`);
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("in", [new Message("a"), new Message("b"), new Message("c")]);
    await app.settled();
    expect(app.published("out").map(({ message }) => message.text())).toEqual(["aa", "bb", "cc"]);
    expect(failures).toBe(3);
    await app.run(router.close());
  });
});
