import { describe, expect, it } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type ReceivedMessage, type Subscriber } from "../message/index.ts";
import { retry, throttle } from "../middleware/index.ts";
import { Router } from "./index.ts";
import { Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };
const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A subscriber whose subscriptions take their time. */
function _slowSubscriber(inner: Subscriber, ms: number): Subscriber {
  return {
    subscribe: async (topic, options) => {
      await turn(ms);
      return await inner.subscribe(topic, { ...options, signal: undefined });
    },
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

const hangingSubscriber: Subscriber = {
  subscribe: () => new Promise(() => {}),
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

describe("close", () => {
  it("ends while a subscribe hangs, and start then says that it was closed", async () => {
    await using rig = new Rig({ drainTimeoutMs: 5000 });
    rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber: hangingSubscriber, topic: "t" }, handle: () => {} });
    const starting = rig.router.start();
    starting.catch(() => {});
    await turn();
    const began = performance.now();
    await rig.router.close();
    expect(performance.now() - began).toBeLessThan(1000);
    await expect(starting).rejects.toMatchObject({ code: "CLOSED" });
    await rig.router.closed;
  });

  it("ends the start of a handler that hangs, too: stop, and the signal of start", async () => {
    await using rig = new Rig();
    await rig.router.start();
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber: hangingSubscriber, topic: "t" }, handle: () => {} });
    await handle.stop();
    await expect(handle.started).rejects.toMatchObject({ code: "HANDLER_STOPPED" });
    const controller = new AbortController();
    const other = new Router();
    other.addConsumerHandler({ name: "a", subscribe: { subscriber: hangingSubscriber, topic: "t" }, handle: () => {} });
    const starting = other.start({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(starting).rejects.toThrow("enough");
  });

  for (const [name, middleware] of [
    ["a retry's backoff", () => retry({ maxRetries: 3, minDelayMs: 20_000, jitter: 0 })],
    ["a throttle's turn", () => throttle({ count: 1, intervalMs: 20_000 })],
  ] as const) {
    it(`gives back at once a message that only waits for ${name}, uncounted`, async () => {
      const bus = new MemoryPubSub({ persistent: true });
      await using rig = new Rig({ subscriber: bus, failure: quick });
      const attempts: number[] = [];
      const handle = (message: ReceivedMessage): void => {
        attempts.push(message.delivery.attempt);
        if (attempts.length === 1) throw new Error("not yet");
      };
      rig.router.addConsumerHandler({
        name: "a",
        subscribe: "t",
        middleware: name.includes("retry") ? [middleware()] : [retry({ minDelayMs: 1 }), middleware()],
        handle,
      });
      await rig.router.start();
      await bus.publish("t", new Message("1"));
      await until(() => attempts.length === 1, "the first call");
      await turn(20);
      const began = performance.now();
      await rig.router.close();
      expect(performance.now() - began).toBeLessThan(1000);
      const again = new Rig({ subscriber: bus });
      again.router.addConsumerHandler({ name: "a", subscribe: "t", handle });
      await again.router.start();
      await again.router.idle();
      await again.router.close();
      expect(attempts).toEqual([1, 1]);
      expect(rig.logger.at("error")).toEqual([]);
      await bus.close();
    });
  }

  it("gives back at once a message whose backoff would only begin while it ends, uncounted", async () => {
    const bus = new MemoryPubSub({ persistent: true });
    await using rig = new Rig({ subscriber: bus, failure: quick });
    const failing = deferred<void>();
    const attempts: number[] = [];
    const handle = (message: ReceivedMessage): Promise<void> | undefined => {
      attempts.push(message.delivery.attempt);
      return attempts.length === 1 ? failing.promise : undefined;
    };
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", middleware: [retry({ minDelayMs: 20_000, jitter: 0 })], handle });
    await rig.router.start();
    await bus.publish("t", new Message("1"));
    await until(() => attempts.length === 1, "the first call");
    const began = performance.now();
    const closing = rig.router.close();
    failing.reject(new Error("not yet"));
    await closing;
    expect(performance.now() - began).toBeLessThan(1000);
    const again = new Rig({ subscriber: bus });
    again.router.addConsumerHandler({ name: "a", subscribe: "t", handle });
    await again.router.start();
    await again.router.idle();
    await again.router.close();
    expect(attempts).toEqual([1, 1]);
    await bus.close();
  });

  it("awaited inside a handler does not wait for that handler's end, which is acked, then the router closes", async () => {
    await using rig = new Rig({ drainTimeoutMs: 20_000 });
    const began = performance.now();
    let verdict: unknown;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: async (message) => {
        void message.settled.then((told) => {
          verdict = told;
        });
        await rig.router.close();
      },
    });
    await rig.router.start();
    await rig.send("t", "stop");
    await rig.router.closed;
    expect([verdict, performance.now() - began < 2000]).toEqual(["acked", true]);
  });

  it("leaves every handler stopped in health, with its counts", async () => {
    await using rig = new Rig();
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    expect(rig.router.health().handlers.a?.state).toBe("starting");
    await rig.router.start();
    await rig.send("t", "1");
    await rig.router.idle();
    await rig.router.close();
    expect(rig.router.health().handlers.a).toMatchObject({ state: "stopped", counts: { handled: 1 } });
  });

  it("aborts at its deadline the signal of a handler that goes on, also of one that has acked", async () => {
    await using rig = new Rig();
    const reasons: unknown[] = [];
    const begun = deferred<void>();
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      concurrency: 2,
      handle: (message) =>
        new Promise((resolve) => {
          message.signal.addEventListener("abort", () => {
            reasons.push(message.signal.reason);
            resolve();
          });
          if (message.text() === "acks") message.ack();
          else begun.resolve();
        }),
    });
    await rig.router.start();
    await rig.send("t", "acks", "goes on");
    await begun.promise;
    await rig.router.close({ timeoutMs: 10 });
    expect(reasons).toMatchObject([{ code: "DRAIN_DEADLINE" }, { code: "DRAIN_DEADLINE" }]);
  });

  it("tells all who wait for closed, also when they asked before the start", async () => {
    await using rig = new Rig();
    let closed = 0;
    void rig.router.closed.then(() => closed++);
    await rig.router.start();
    void rig.router.closed.then(() => closed++);
    await turn();
    expect(closed).toBe(0);
    await rig.router.close();
    await turn(0);
    expect(closed).toBe(2);
  });
});

describe("idle", () => {
  it("does not wait for a paused handler", async () => {
    await using rig = new Rig();
    await rig.bus.provision("t", { group: "a" });
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    handle.pause();
    await rig.router.start();
    await rig.send("t", "1");
    await rig.router.idle();
    handle.resume();
    await rig.router.idle();
    expect(rig.router.health().handlers.a?.counts.handled).toBe(1);
  });

  it("waits no longer for a handler that is paused meanwhile, at work or not", async () => {
    await using rig = new Rig();
    const gate = deferred<void>();
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => gate.promise });
    await rig.router.start();
    await rig.send("t", "1");
    const idle = rig.router.idle({ timeoutMs: 2000 });
    await turn();
    handle.pause();
    await idle;
    gate.resolve();
  });

  it("gives up at its time with NOT_IDLE, naming who is at work, and at its signal with the signal's reason", async () => {
    await using rig = new Rig();
    const gate = deferred<void>();
    rig.router.addConsumerHandler({ name: "busy", subscribe: "t", handle: () => gate.promise });
    await rig.router.start();
    await rig.send("t", "1");
    await expect(rig.router.idle({ timeoutMs: 10 })).rejects.toMatchObject({ code: "NOT_IDLE", message: expect.stringContaining('"busy"') });
    await expect(rig.router.idle({ signal: AbortSignal.timeout(10) })).rejects.toMatchObject({ name: "TimeoutError" });
    gate.resolve();
    await rig.router.idle({ timeoutMs: 1000 });
  });

  it("that gave up looks no more whether there is something to do", async () => {
    await using rig = new Rig();
    let looks = 0;
    rig.router.addSubscriberDecorators((inner) => ({
      subscribe: async (topic, options) => {
        const subscription = await inner.subscribe(topic, options);
        const status = subscription.status.bind(subscription);
        const counted = (): ReturnType<typeof status> => {
          looks++;
          return status();
        };
        return Object.defineProperty(subscription, "status", { value: counted });
      },
      close: () => inner.close(),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    }));
    const gate = deferred<void>();
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => gate.promise });
    await rig.router.start();
    await rig.send("t", "1");
    await expect(rig.router.idle({ timeoutMs: 10 })).rejects.toMatchObject({ code: "NOT_IDLE" });
    await turn(10);
    const before = looks;
    await turn(20);
    expect(looks).toBe(before);
    gate.resolve();
  });
});
