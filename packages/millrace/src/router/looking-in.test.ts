import { describe, expect, it } from "vitest";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "../message/index.ts";
import { HandPublisher, HandSubscriber, Rig, until } from "./rig.fixture.ts";

describe("describe", () => {
  it("tells of every handler what it reads and where it writes, in order of addition", async () => {
    const publisher = new HandPublisher();
    await using rig = new Rig();
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "out" }, handle: () => undefined });
    rig.router.addConsumerHandler({ name: "b", group: "g", subscribe: { subscriber: new HandSubscriber(), topic: "u" }, handle: () => {} });
    rig.router.addBatchHandler({ name: "c", subscribe: "v", size: 2, maxWaitMs: 1, handle: () => {} });
    const adapter = rig.bus.constructor.name;
    expect(rig.router.describe().handlers).toEqual([
      { name: "a", kind: "handler", group: "a", contracts: [], subscribe: [{ topic: "t", adapter }], publish: [{ topic: "out", adapter: "HandPublisher" }] },
      { name: "b", kind: "consumer", group: "g", contracts: [], subscribe: [{ topic: "u", adapter: "HandSubscriber" }], publish: [] },
      { name: "c", kind: "batch", group: "c", contracts: [], subscribe: [{ topic: "v", adapter }], publish: [] },
    ]);
  });
});

describe("health", () => {
  it("is ready from start to close, and tells of each handler what it holds and when it last had a message", async () => {
    await using rig = new Rig();
    const { promise, resolve } = Promise.withResolvers<void>();
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => promise });
    expect(rig.router.health()).toMatchObject({ live: true, ready: false, handlers: { a: { state: "starting", attempts: 0 } } });
    await rig.router.start();
    expect(rig.router.health()).toMatchObject({ live: true, ready: true, handlers: { a: { state: "running", inFlight: 0, lastMessageAt: undefined } } });
    const before = Date.now();
    await rig.send("t", "1", "2");
    await until(() => rig.router.health().handlers.a?.inFlight === 1, "one is in flight");
    const { a } = rig.router.health().handlers;
    expect(a).toMatchObject({ state: "running", inFlight: 1 });
    expect(Math.abs((a?.lastMessageAt?.getTime() ?? 0) - before)).toBeLessThan(2000);
    resolve();
    await rig.router.close();
    expect(rig.router.health()).toMatchObject({ live: true, ready: false });
  });

  it("counts the attempts of what is failing, and is not ready while a subscription reconnects", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: { minDelayMs: 1, maxDelayMs: 1 } });
    let fails = true;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: () => {
        if (fails) throw new Error("failing");
      },
    });
    await rig.router.start();
    subscriber.source.session.deliver("x");
    await until(() => (rig.router.health().handlers.a?.attempts ?? 0) >= 3, "three attempts");
    fails = false;
    await until(() => rig.router.health().handlers.a?.attempts === 0, "nothing fails");
    subscriber.source.openErrors.push(new Error("no route"));
    subscriber.source.session.intake.fail(new Error("cut"));
    expect(rig.router.health()).toMatchObject({ live: true, ready: false, handlers: { a: { state: "reconnecting" } } });
    await until(() => rig.router.health().ready, "it is ready again");
  });
});

describe("idle", () => {
  it("waits for a backlog that is still at the broker, and for what its handling produces for other handlers", async () => {
    await using bus = new MemoryPubSub({ persistent: true });
    await bus.publish(
      "t",
      Array.from({ length: 3000 }, (_, index) => new Message(String(index))),
    );
    await using rig = new Rig({ subscriber: bus, publisher: bus });
    let last = 0;
    rig.router.addConsumerHandler({
      name: "b",
      subscribe: "u",
      handle: async () => {
        await Promise.resolve();
        last++;
      },
    });
    rig.router.addHandler({ name: "a", subscribe: "t", publish: "u", handle: (m) => new Message(m.text()) });
    await rig.router.start();
    await rig.router.idle();
    expect(last).toBe(3000);
  });

  it("waits for a slow handler of what another one has only just produced", async () => {
    await using rig = new Rig();
    let last = 0;
    const slowly = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));
    rig.router.addConsumerHandler({ name: "b", subscribe: "u", handle: () => slowly().then(() => void last++) });
    rig.router.addHandler({ name: "a", subscribe: "t", publish: "u", handle: (m) => slowly().then(() => new Message(m.text())) });
    await rig.router.start();
    await rig.send("t", "1");
    await rig.router.idle();
    expect(last).toBe(1);
  });

  it("resolves at once where nothing is to be done, also before the start and after the end", async () => {
    await using rig = new Rig();
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await rig.router.idle();
    await rig.router.start();
    await rig.router.idle();
    await rig.router.close();
    await rig.router.idle();
  });
});

describe("the log", () => {
  it("has one line a failure, with handler, group, topic, id and position, and no payload", async () => {
    const letters = new HandPublisher();
    const failure = { attempts: 2, minDelayMs: 0, maxDelayMs: 1, deadLetter: { publisher: letters, topic: "dead" } };
    await using rig = new Rig({ failure });
    rig.router.addConsumerHandler({
      name: "a",
      group: "g",
      subscribe: "t",
      handle: () => {
        throw new Error("failing");
      },
    });
    await rig.router.start();
    await rig.bus.publish("t", new Message("s".repeat(5000), { id: "m-1" }));
    await rig.router.idle();
    expect(rig.logger.lines.filter(({ level }) => level !== "debug").map(({ level }) => level)).toEqual(["warn", "error"]);
    for (const { fields } of rig.logger.lines) {
      expect(fields).toMatchObject({ handler: "a", group: "g", topic: "t", id: "m-1", position: "1" });
      expect(JSON.stringify(fields)).not.toContain("ssss");
    }
  });

  it("has handler, group and topic on every line about a subscription that breaks and comes back", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    rig.router.addConsumerHandler({ name: "a", group: "g", subscribe: "t", handle: () => {} });
    await rig.router.start();
    await subscriber.subscriptions[0]?.close(); // behind the router's back
    await until(() => rig.logger.saying("is back").length === 1, "it is back");
    const about = rig.logger.lines.filter(({ text }) => text.includes("subscription"));
    expect(about.length).toBeGreaterThanOrEqual(2);
    for (const { fields } of about) expect(fields).toMatchObject({ handler: "a", group: "g", topic: "t" });
  });
});
