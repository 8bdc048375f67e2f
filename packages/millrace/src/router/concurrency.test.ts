import { describe, expect, it, vi } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "../message/index.ts";
import { timeout } from "../middleware/index.ts";
import { HandSubscriber, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };

describe("concurrency", () => {
  it("is one by default, whatever waits", async () => {
    await using rig = new Rig();
    let running = 0;
    let most = 0;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running--;
      },
    });
    await rig.router.start();
    await rig.send("t", "1", "2", "3", "4");
    await rig.router.idle();
    expect(most).toBe(1);
  });

  it("bounds how many are handled at a time, and keeps the order per key, through failures as well", async () => {
    await using rig = new Rig({ failure: quick });
    let running = 0;
    let most = 0;
    const done: string[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      concurrency: 4,
      handle: async (m) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
        running--;
        if (m.delivery.attempt === 1 && m.text().endsWith("3")) throw new Error("first time");
        done.push(m.text());
      },
    });
    await rig.router.start();
    const sent = Array.from({ length: 60 }, (_, index) => [`k${index % 6}`, `k${index % 6}-${Math.floor(index / 6)}`] as const);
    await rig.send("t", ...sent);
    await rig.router.idle();
    expect(most).toBe(4);
    for (let key = 0; key < 6; key++) {
      expect(done.filter((text) => text.startsWith(`k${key}`))).toEqual(Array.from({ length: 10 }, (_, index) => `k${key}-${index}`));
    }
  });

  it("orders by orderBy, and not at all with none", async () => {
    for (const [orderBy, expected] of [[() => "all", 1] as const, ["none", 3] as const]) {
      await using rig = new Rig();
      let running = 0;
      let most = 0;
      rig.router.addConsumerHandler({
        name: "a",
        subscribe: "t",
        concurrency: 3,
        orderBy,
        handle: async () => {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, 2));
          running--;
        },
      });
      await rig.router.start();
      await rig.send("t", ["a", "1"], ["a", "2"], ["a", "3"], ["a", "4"], ["b", "5"]);
      await rig.router.idle();
      expect(most).toBe(expected);
    }
  });

  it("passes group, from and order on to the subscriber: the handler's name is its group unless it has another", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    rig.router.addConsumerHandler({ name: "b", subscribe: "t", group: "mine", from: "latest", concurrency: 3, orderBy: "none", handle: () => {} });
    await rig.router.start();
    expect(subscriber.options).toMatchObject([
      { group: "a", from: undefined, maxInFlight: 1 },
      { group: "mine", from: "latest", maxInFlight: 3, orderBy: "none" },
    ]);
  });

  it("gives three handlers on one topic all messages each", async () => {
    await using rig = new Rig();
    const seen: string[] = [];
    for (const name of ["a", "b", "c"]) rig.router.addConsumerHandler({ name, subscribe: "t", handle: (m) => void seen.push(`${name}${m.text()}`) });
    await rig.router.start();
    await rig.send("t", "1", "2");
    await rig.router.idle();
    expect(seen.sort()).toEqual(["a1", "a2", "b1", "b2", "c1", "c2"]);
  });
});

describe("after a timeout", () => {
  it("the message is not handed out again beside the call that still runs", async () => {
    await using rig = new Rig({ failure: quick });
    rig.router.addMiddleware(timeout(10));
    let running = 0;
    let most = 0;
    let calls = 0;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, ++calls === 1 ? 40 : 0));
        running--;
      },
    });
    await rig.router.start();
    await rig.send("t", "x");
    await rig.router.idle();
    expect([calls, most]).toEqual([2, 1]);
  });

  it("the call is abandoned after abandonAfterMs, logged, and the message handed out again", async () => {
    await using rig = new Rig({ failure: quick });
    let calls = 0;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      middleware: [timeout(5)],
      abandonAfterMs: 20,
      handle: () => (++calls === 1 ? new Promise<void>(() => {}) : undefined),
    });
    await rig.router.start();
    await rig.send("t", "x", "y");
    await until(() => calls === 3, "both messages");
    await rig.router.idle();
    expect(rig.logger.saying("its call is abandoned")).toHaveLength(1);
  });

  it("the signal that the handler was given aborts, and the message's own does not", async () => {
    await using rig = new Rig({ failure: quick });
    const reasons: unknown[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      middleware: [timeout(5)],
      handle: (m) => {
        if (m.delivery.attempt > 1) return;
        return new Promise<void>((_resolve, reject) => {
          m.signal.addEventListener("abort", () => {
            reasons.push(m.signal.reason);
            reject(m.signal.reason);
          });
        });
      },
    });
    await rig.router.start();
    await rig.send("t", "x");
    await rig.router.idle();
    expect(reasons).toMatchObject([{ code: "HANDLER_TIMEOUT" }]);
  });
});

it("the signal of a message aborts when its handler has ended, not at a verdict inside it", async () => {
  await using rig = new Rig();
  const signals: AbortSignal[] = [];
  const during = vi.fn();
  rig.router.addConsumerHandler({
    name: "a",
    subscribe: "t",
    handle: async (m) => {
      signals.push(m.signal);
      m.ack();
      await new Promise((resolve) => setTimeout(resolve, 2));
      during(m.signal.aborted);
    },
  });
  await rig.router.start();
  await rig.send("t", "x");
  await until(() => signals[0]?.aborted === true, "the end of the handler");
  expect([during.mock.calls, signals[0]?.reason]).toMatchObject([[[false]], { code: "HANDLING_ENDED" }]);
});

it("a synchronous handler with a long backlog leaves the event loop its turns", async () => {
  const bus = new MemoryPubSub({ persistent: true });
  await using rig = new Rig({ subscriber: bus });
  await bus.publish(
    "t",
    Array.from({ length: 200 }, (_, index) => new Message(String(index))),
  );
  let handled = 0;
  let atFirstTurn: number | undefined;
  const handle = (): void => {
    if (handled++ === 0) setImmediate(() => void (atFirstTurn = handled));
    for (const began = performance.now(); performance.now() - began < 1; );
  };
  rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle });
  await rig.router.start();
  await rig.router.idle();
  expect(handled).toBe(200);
  expect(atFirstTurn).toBeLessThan(100);
  await rig.router.close();
  await bus.close();
});

it("what a batch has no room for waits no longer than maxWaitMs for the next one", async () => {
  await using rig = new Rig();
  const gates = [deferred<void>(), deferred<void>()];
  const batches: string[][] = [];
  rig.router.addBatchHandler({
    name: "a",
    subscribe: "t",
    size: 3,
    maxWaitMs: 5,
    concurrency: 2,
    handle: (messages) => gates[batches.push(messages.map((m) => m.text())) - 1]?.promise,
  });
  await rig.router.start();
  for (const [index, text] of ["1", "2"].entries()) {
    await rig.send("t", text);
    await until(() => batches.length === index + 1, `batch ${text}`);
  }
  await rig.send("t", "3", "4", "5", "6");
  await new Promise((resolve) => setTimeout(resolve, 10));
  gates[0]?.resolve();
  await until(() => batches.length === 4, "the last batch");
  gates[1]?.resolve();
  expect(batches).toEqual([["1"], ["2"], ["3", "4", "5"], ["6"]]);
});
