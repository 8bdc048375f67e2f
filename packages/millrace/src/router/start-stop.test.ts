import { describe, expect, it, vi } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type Subscriber } from "../message/index.ts";
import { Router } from "./index.ts";
import { outputOf, Rig, until } from "./rig.fixture.ts";

function failingSubscriber(error: unknown): Subscriber {
  return { subscribe: () => Promise.reject(error), close: async () => {}, [Symbol.asyncDispose]: async () => {} };
}

describe("starting", () => {
  it("resolves when every handler is subscribed: nothing published afterwards is missed", async () => {
    await using rig = new Rig();
    const seen: string[] = [];
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: (m) => void seen.push(m.text()) });
    await Promise.all([rig.router.start(), rig.router.started, handle.started]);
    await rig.send("t", "x", "y");
    await rig.router.idle();
    expect(seen).toEqual(["x", "y"]);
  });

  it("twice is refused while it runs, and works again after close()", async () => {
    await using rig = new Rig();
    const seen: string[] = [];
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: (m) => void seen.push(m.text()) });
    for (const round of ["1", "2", "3"]) {
      await rig.router.start();
      await rig.router.started;
      await handle.started;
      await expect(rig.router.start()).rejects.toMatchObject({ code: "ROUTER_RUNNING" });
      await rig.send("t", round);
      await rig.router.idle();
      const { stopped } = handle;
      await rig.router.close();
      await stopped;
      expect(rig.router.health()).toMatchObject({ ready: false });
    }
    expect(seen).toEqual(["1", "2", "3"]);
  });

  it("works without handlers: run() ends at close(), and at its signal", async () => {
    for (const end of ["close", "signal"]) {
      await using rig = new Rig();
      const controller = new AbortController();
      const running = rig.router.run({ signal: controller.signal });
      await rig.router.started;
      if (end === "close") await rig.router.close();
      else controller.abort();
      await running;
      expect(rig.logger.at("error")).toEqual([]);
    }
  });

  it("that fails rejects start, run, started and every handler's started with the same error, and stops what had started", async () => {
    for (const call of ["start", "run"] as const) {
      await using rig = new Rig();
      const error = new Error("no such broker");
      const good = rig.router.addConsumerHandler({ name: "good", subscribe: "t", handle: () => {} });
      const bad = rig.router.addConsumerHandler({ name: "bad", subscribe: { subscriber: failingSubscriber(error), topic: "t" }, handle: () => {} });
      const never = rig.router.addConsumerHandler({ name: "never", subscribe: "t", handle: () => {} });
      const before = [rig.router.started, bad.started, never.started];
      await expect(rig.router[call]()).rejects.toBe(error);
      for (const promise of [...before, rig.router.started, bad.started, never.started]) await expect(promise).rejects.toBe(error);
      await good.stopped;
      const { subscription } = await outputOf(rig.bus, "t");
      expect(rig.router.health()).toMatchObject({ ready: false, handlers: { good: { state: "stopped" } } });
      await subscription.close();
      await expect(rig.router.start()).rejects.toBe(error); // and it can be tried again
    }
  });

  it("is refused by a signal that has aborted, for all who wait", async () => {
    await using rig = new Rig();
    const { started } = rig.router;
    const signal = AbortSignal.abort(new Error("not today"));
    await expect(rig.router.start({ signal })).rejects.toBe(signal.reason);
    await expect(started).rejects.toBe(signal.reason);
    await rig.router.start();
  });

  it("runs plugins first, in order, and fails when one does", async () => {
    await using rig = new Rig();
    const order: string[] = [];
    const subscriber: Subscriber = {
      ...failingSubscriber(undefined),
      subscribe: (topic, options) => {
        order.push("subscribe");
        return rig.bus.subscribe(topic, options);
      },
    };
    rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber, topic: "t" }, handle: () => {} });
    rig.router.addPlugin(
      async () => void order.push("first"),
      (router) => {
        order.push("second");
        router.addConsumerHandler({ name: "by plugin", subscribe: "t", handle: () => {} });
      },
    );
    await rig.router.start();
    expect(order).toEqual(["first", "second", "subscribe"]);
    expect(rig.router.health().handlers["by plugin"]?.state).toBe("running");
  });

  it("fails when a plugin does, before any handler has subscribed", async () => {
    await using rig = new Rig();
    const subscribe = vi.spyOn(rig.bus, "subscribe");
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    const error = new Error("bad plugin");
    rig.router.addPlugin(() => {
      throw error;
    });
    await expect(rig.router.start()).rejects.toBe(error);
    expect(subscribe).not.toHaveBeenCalled();
  });
});

describe("a handler added", () => {
  it("while the router runs starts at once", async () => {
    await using rig = new Rig();
    await rig.router.start();
    const seen: string[] = [];
    const handle = rig.router.addConsumerHandler({ name: "late", subscribe: "t", handle: (m) => void seen.push(m.text()) });
    await handle.started;
    await rig.send("t", "x");
    await rig.router.idle();
    expect(seen).toEqual(["x"]);
  });

  it("while the router starts is started with the others", async () => {
    await using rig = new Rig();
    const gate = deferred<void>();
    const slow: Subscriber = {
      ...failingSubscriber(undefined),
      subscribe: async (topic, options) => {
        await gate.promise;
        return await rig.bus.subscribe(topic, options);
      },
    };
    rig.router.addConsumerHandler({ name: "slow", subscribe: { subscriber: slow, topic: "t" }, handle: () => {} });
    const starting = rig.router.start();
    const late = rig.router.addConsumerHandler({ name: "late", subscribe: "t", handle: () => {} });
    gate.resolve();
    await starting;
    await late.started;
    expect(rig.router.health().handlers.late?.state).toBe("running");
  });

  it("that cannot start rejects its started, logs it, and frees its name", async () => {
    await using rig = new Rig();
    await rig.router.start();
    const error = new Error("refused");
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber: failingSubscriber(error), topic: "t" }, handle: () => {} });
    await expect(handle.started).rejects.toBe(error);
    await handle.stopped;
    expect(rig.logger.at("error")[0]?.fields).toMatchObject({ handler: "a", topic: "t", error });
    await rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} }).started;
  });
});

describe("stopping one handler", () => {
  it("leaves shared publishers and subscribers open, frees its name, and hands it nothing more", async () => {
    await using rig = new Rig();
    const close = vi.spyOn(rig.bus, "close");
    const output = await outputOf(rig.bus, "out");
    const seen: string[] = [];
    rig.router.addHandler({ name: "other", subscribe: "t", publish: "out", handle: (m) => new Message(m.text()) });
    const handle = rig.router.addHandler({ name: "a", subscribe: "t", publish: "out", handle: (m) => void seen.push(m.text()) });
    await rig.router.start();
    const { stopped } = handle;
    await handle.stop();
    await stopped;
    expect(Object.keys(rig.router.health().handlers)).toEqual(["other"]);
    const again = rig.router.addConsumerHandler({ name: "a", subscribe: "elsewhere", handle: (m) => void seen.push(`again ${m.text()}`) });
    await again.started;
    await rig.send("t", "x");
    await rig.send("elsewhere", "y");
    await rig.router.idle();
    await until(() => output.texts.length === 1, "the other handler's output");
    expect([seen, output.texts, close.mock.calls.length]).toEqual([["again y"], ["x"], 0]);
  });

  it("waits for what is in flight", async () => {
    await using rig = new Rig();
    const gate = deferred<void>();
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => gate.promise });
    await rig.router.start();
    await rig.send("t", "x");
    await until(() => rig.router.health().handlers.a?.inFlight === 1, "the message in hand");
    const stopped = vi.fn();
    void handle.stopped.then(stopped);
    const stopping = handle.stop();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(stopped).not.toHaveBeenCalled();
    gate.resolve();
    await stopping;
    expect(stopped).toHaveBeenCalled();
  });

  it("before it has started tells those who wait for its start", async () => {
    await using rig = new Rig();
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    const { started } = handle;
    await handle.stop();
    await expect(started).rejects.toMatchObject({ code: "HANDLER_STOPPED" });
    await rig.router.start();
    expect(rig.router.health().handlers).toEqual({});
  });

  it("while it subscribes leaves no subscription behind", async () => {
    await using rig = new Rig();
    const gate = deferred<void>();
    const subscriptions: { status(): { state: string } }[] = [];
    const slow: Subscriber = {
      ...failingSubscriber(undefined),
      subscribe: async (topic, options) => {
        await gate.promise;
        const subscription = await rig.bus.subscribe(topic, { ...options, signal: undefined }); // as one that does not listen
        subscriptions.push(subscription);
        return subscription;
      },
    };
    await rig.router.start();
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber: slow, topic: "t" }, handle: () => {} });
    await handle.stop();
    gate.resolve();
    await until(() => subscriptions[0]?.status().state === "stopped", "the subscription to be closed");
  });

  it("closes the router when the last handler's subscriber was closed behind its back, visibly", async () => {
    const bus = new MemoryPubSub();
    await using rig = new Rig({ subscriber: bus });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    const running = rig.router.run();
    await rig.router.started;
    await bus.close();
    await running;
    expect(rig.logger.saying("all handlers have stopped")).toHaveLength(1);
    expect(rig.router.health()).toMatchObject({ live: false, ready: false, handlers: { a: { state: "stopped", lastError: { code: "CLOSED" } } } });
    await expect(rig.router.start()).rejects.toMatchObject({ code: "CLOSED" });
  });
});

it("pausing a handler holds its messages back until it is resumed", async () => {
  await using rig = new Rig();
  const seen: string[] = [];
  const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: (m) => void seen.push(m.text()) });
  handle.pause(); // before the start as well
  await rig.router.start();
  await rig.send("t", "x");
  expect(rig.router.health().handlers.a?.state).toBe("paused");
  handle.resume();
  await rig.router.idle();
  handle.pause();
  await rig.send("t", "y");
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(seen).toEqual(["x"]);
  handle.resume();
  await rig.router.idle();
  expect(seen).toEqual(["x", "y"]);
});

it("a router is made without any I/O and logs warnings and errors to standard error unless told otherwise", () => {
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  const { logger } = new Router();
  logger.info({}, "silent");
  logger.warn({ n: 1 }, "shown");
  expect(error.mock.calls).toEqual([[expect.stringMatching(/WARN {2}shown \{"n":1\}$/)]]);
  error.mockRestore();
});
