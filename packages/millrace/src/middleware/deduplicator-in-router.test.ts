import { describe, expect, it } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { Message, type ReceivedMessage } from "../message/index.ts";
import { deduplicator, instantAck, timeout } from "./index.ts";
import { numbered, RouterApp } from "./router-app.fixture.ts";

describe("a deduplicator in a router", () => {
  it("hands a message in again that its handler nacked before it returned", async () => {
    await using rig = new RouterApp();
    const { app, router } = rig;
    const attempts: number[] = [];
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      middleware: [deduplicator()],
      handle: (message) => {
        if (attempts.push(message.delivery.attempt) === 1) message.nack({ delayMs: 10 });
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", new Message("x"));
    await app.settled();
    expect(attempts).toEqual([1, 2]);
  });

  it("hands a message in again whose results could not be published, though it comes back at once; its duplicates wait", async () => {
    for (const pipeline of [0, 3]) {
      for (const concurrency of [1, 4]) {
        await using rig = new RouterApp({ failure: { minDelayMs: 0, maxDelayMs: 0 } });
        const { app, router } = rig;
        const ids: string[] = [];
        router.addHandler({
          name: "h",
          subscribe: "t",
          publish: "out",
          concurrency,
          pipeline,
          middleware: [deduplicator()],
          handle: (message) => {
            ids.push(message.id);
            return new Message(`out ${message.id}`, { id: message.id });
          },
        });
        app.faults.failPublish({ topic: "out", times: 3 });
        await app.run(router.start());
        await app.pubsub.publish("t", [new Message("x", { id: "a" }), new Message("y", { id: "b" }), new Message("x", { id: "a" })]);
        await app.settled();
        const out = app.published("out").map(({ message }) => message.id);
        expect(out.toSorted()).toEqual(["a", "b"]);
        expect(ids.length).toBeGreaterThanOrEqual(5);
      }
    }
  });

  it("handles every message without an id", async () => {
    await using rig = new RouterApp();
    const { app, router } = rig;
    const texts: string[] = [];
    router.addConsumerHandler({ name: "h", subscribe: "t", middleware: [deduplicator()], handle: (message) => void texts.push(message.text()) });
    await app.run(router.start());
    await app.pubsub.publish("t", [new Message("1", { id: "" }), new Message("2", { id: "" }), new Message("3", { id: "" })]);
    await app.settled();
    expect(texts).toEqual(["1", "2", "3"]);
  });

  it("works for each message of a batch, in which one fails and one comes twice", async () => {
    await using rig = new RouterApp({ failure: { minDelayMs: 0, maxDelayMs: 0 } });
    const { app, router } = rig;
    const batches: string[][] = [];
    router.addBatchHandler({
      name: "h",
      subscribe: "t",
      size: 4,
      maxWaitMs: 20,
      middleware: [deduplicator()],
      handle: (messages, batch) => {
        batches.push(messages.map(({ id }) => id));
        if (batches.length === 1) batch.fail(messages[0] as ReceivedMessage, new Error("not yet"));
      },
    });
    await app.run(router.start());
    await app.pubsub.publish(
      "t",
      ["a", "b", "a", "c"].map((id) => new Message(id, { id })),
    );
    await app.settled();
    expect(batches.flat().toSorted()).toEqual(["a", "a", "b", "c"]);
  });

  it("hands a message in again after a stop that its handler outlived, whatever that handler does then", async () => {
    await using rig = new RouterApp();
    const { app, router } = rig;
    const gate = deferred<void>();
    const attempts: number[] = [];
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      abandonAfterMs: 50,
      middleware: [deduplicator()],
      handle: async (message) => {
        if (attempts.push(message.delivery.attempt) > 1) return;
        await gate.promise;
        message.nack();
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", new Message("x"));
    await app.advance(1);
    await app.run(router.close({ timeoutMs: 10 }));
    await app.run(router.start());
    await app.advance(20);
    gate.resolve();
    await app.settled();
    expect(attempts).toHaveLength(2);
  });

  it("lets a duplicate take over from a first that was acked early and whose call was abandoned, before it came or after", async () => {
    for (const afterMs of [0, 200]) {
      await using rig = new RouterApp();
      const { app, router } = rig;
      const texts: string[] = [];
      router.addConsumerHandler({
        name: "h",
        subscribe: "t",
        concurrency: 2,
        abandonAfterMs: 100,
        middleware: [timeout(10), instantAck(), deduplicator()],
        handle: (message) => (texts.push(message.text()) === 1 ? new Promise(() => {}) : undefined),
      });
      await app.run(router.start());
      await app.pubsub.publish("t", new Message("first", { id: "a" }));
      await app.advance(afterMs);
      await app.pubsub.publish("t", new Message("second", { id: "a" }));
      await app.advance(50);
      expect(texts.length).toBe(afterMs === 0 ? 1 : 2); // it is not handled beside the first
      await app.advance(200); // acked, and so settled for a pub/sub, it is long since
      expect(texts).toEqual(["first", "second"]);
    }
  });

  it("handles a message again that comes back from the dead letter, though its handler had returned", async () => {
    await using rig = new RouterApp({ failure: { attempts: 2, minDelayMs: 1, maxDelayMs: 1 } });
    const { app, router } = rig;
    router.addHandler({
      name: "h",
      subscribe: "t",
      publish: "out",
      failure: { deadLetter: { publisher: app.pubsub, topic: "dead" } },
      middleware: [deduplicator()],
      handle: () => new Message("done"),
    });
    app.faults.failPublish({ topic: "out", times: 2 });
    await app.run(router.start());
    await app.pubsub.publish("t", new Message("x", { id: "a" }));
    await app.settled();
    expect([app.published("dead").length, app.published("out").length]).toEqual([1, 0]);
    await app.pubsub.publish("t", app.published("dead")[0]?.message ?? []);
    await app.settled();
    expect(app.published("out")).toHaveLength(1);
  });

  it("serves two handlers of one topic with one instance", async () => {
    await using rig = new RouterApp();
    const { app, router } = rig;
    const seen: string[] = [];
    router.addMiddleware(deduplicator());
    for (const name of ["one", "two"]) router.addConsumerHandler({ name, subscribe: "t", handle: (message) => void seen.push(`${name} ${message.id}`) });
    await app.run(router.start());
    await app.pubsub.publish("t", [...numbered(2), ...numbered(2)]);
    await app.settled();
    expect(seen.toSorted()).toEqual(["one m-0", "one m-1", "two m-0", "two m-1"]);
  });
});
