import { describe, expect, it } from "vitest";
import { Message } from "../message/index.ts";
import { type HandlerHandle, Router } from "./index.ts";
import { HandPublisher, HandSubscriber, outputOf, Rig, until } from "./rig.fixture.ts";

/** A promise and what settles it. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}

describe("close", () => {
  it("waits for what is in flight: its signal does not abort, its output is published, it is acked", async () => {
    const publisher = new HandPublisher();
    await using rig = new Rig({ publisher });
    const { passed, open } = gate();
    let aborted: boolean | undefined;
    let running = false;
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: "out",
      handle: async (m) => {
        running = true;
        await passed;
        aborted = m.signal.aborted;
        return new Message("done");
      },
    });
    await rig.router.start();
    await rig.send("t", "1", "2");
    await until(() => running, "the handler runs");
    const closing = rig.router.close();
    await Promise.resolve();
    open();
    await closing;
    expect([aborted, publisher.texts, publisher.closed]).toEqual([false, ["done"], 0]);
  });

  it("waits for the confirmation of what a handler has published", async () => {
    const publisher = new HandPublisher();
    const { passed, open } = gate();
    publisher.onPublish = () => passed;
    await using rig = new Rig({ publisher });
    rig.router.addHandler({ name: "a", subscribe: "t", publish: "out", handle: () => new Message("y") });
    await rig.router.start();
    await rig.send("t", "x");
    await until(() => publisher.calls.length === 1, "it is published");
    let closed = false;
    const closing = rig.router.close().then(() => {
      closed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(closed).toBe(false);
    open();
    await closing;
  });

  it("closes what it owns, last and in reverse order, and nothing else", async () => {
    const order: string[] = [];
    const [subscriber, publisher] = [new HandSubscriber(), new HandPublisher()];
    const owned = (name: string) => ({ close: async () => void order.push(name) });
    const router = new Router({ subscriber, publisher, owns: [owned("first"), owned("second")] });
    const handle = router.addHandler({ name: "a", subscribe: "t", publish: "out", handle: () => undefined });
    await router.start();
    void handle.stopped.then(() => order.push("handler stopped"));
    await router.close();
    expect([order, subscriber.closed, publisher.closed]).toEqual([["handler stopped", "second", "first"], 0, 0]);
  });

  it("closes all that it owns although one of them cannot be closed, and rejects with that", async () => {
    const error = new Error("stuck");
    const publisher = new HandPublisher();
    const router = new Router({ owns: [publisher, { close: () => Promise.reject(error) }] });
    await router.start();
    await expect(router.close()).rejects.toBe(error);
    expect(publisher.closed).toBe(1);
  });

  it("ends at once for a router that was never started, or has a handler that was not", async () => {
    await using rig = new Rig({ drainTimeoutMs: 20_000 });
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    const began = performance.now();
    await rig.router.close();
    await handle.stopped;
    await expect(handle.started).rejects.toMatchObject({ code: "HANDLER_STOPPED" });
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it("may be called from a handler, which is waited for", async () => {
    await using rig = new Rig();
    let closing: Promise<void> | undefined;
    let after = false;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: async () => {
        closing = rig.router.close();
        await Promise.resolve();
        after = true;
      },
    });
    const run = rig.router.run();
    await rig.router.started;
    await rig.send("t", "x");
    await run;
    await closing;
    expect(after).toBe(true);
  });

  it("ends in its time with a handler that does not, whose signal aborts; the next member has the message, uncounted", async () => {
    await using rig = new Rig();
    let reason: unknown;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) =>
        new Promise(() => {
          m.signal.addEventListener("abort", () => {
            reason = m.signal.reason;
          });
        }),
    });
    await rig.bus.provision?.("t", { group: "a" });
    await rig.router.start();
    await rig.send("t", "x");
    await until(() => rig.router.health().handlers.a?.inFlight === 1, "the handler runs");
    const first = rig.router.close({ timeoutMs: 20 });
    await expect(rig.router.close()).resolves.toBeUndefined(); // the same close, not another
    await first;
    expect(reason).toMatchObject({ code: "DRAIN_DEADLINE" });
    const subscription = await rig.bus.subscribe("t", { group: "a" });
    for await (const message of subscription) {
      expect([message.text(), message.delivery.attempt]).toEqual(["x", 1]);
      message.ack();
      break;
    }
  });

  it.each([
    ["a close", (router: Router) => router.close({ timeoutMs: 20_000 })],
    ["a stop", (_router: Router, handle: HandlerHandle) => handle.stop()],
  ] as const)("ends in its own time beside %s that has more", async (_what, begin) => {
    await using rig = new Rig({ drainTimeoutMs: 20_000 });
    let reason: unknown;
    const handle = rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) => new Promise(() => m.signal.addEventListener("abort", () => (reason = m.signal.reason))),
    });
    await rig.router.start();
    await rig.send("t", "x");
    await until(() => rig.router.health().handlers.a?.inFlight === 1, "the handler runs");
    const began = performance.now();
    const first = begin(rig.router, handle);
    await rig.router.close({ timeoutMs: 20 });
    await first;
    expect(performance.now() - began).toBeLessThan(2000);
    expect(reason).toMatchObject({ code: "DRAIN_DEADLINE" });
  });

  it("takes the router's own drain time where none is named", async () => {
    await using rig = new Rig({ drainTimeoutMs: 20 });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => new Promise(() => {}) });
    await rig.router.start();
    await rig.send("t", "x");
    await until(() => rig.router.health().handlers.a?.inFlight === 1, "the handler runs");
    const began = performance.now();
    await rig.router.close({ timeoutMs: undefined });
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it("lets the handlers of one run be looked at while it lasts, and another run follow", async () => {
    await using rig = new Rig();
    const seen: string[] = [];
    const { passed, open } = gate();
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: async (m) => {
        seen.push(m.text());
        await passed;
      },
    });
    await rig.bus.provision?.("t", { group: "a" });
    await rig.router.start();
    await rig.send("t", "1");
    await until(() => seen.length === 1, "the handler runs");
    const closing = rig.router.close();
    expect(rig.router.health()).toMatchObject({ ready: false, handlers: { a: { state: "stopped", inFlight: 1 } } });
    expect(rig.router.describe().handlers).toHaveLength(1);
    open();
    await closing;
    await rig.send("t", "2");
    await rig.router.start();
    await rig.router.idle();
    expect(seen).toEqual(["1", "2"]);
  });
});

describe("stopping one handler", () => {
  it("touches neither the others nor what it shares with them, and stopped waits for what is in flight", async () => {
    await using rig = new Rig();
    const output = await outputOf(rig.bus, "out");
    const { passed, open } = gate();
    let running = false;
    const slow = rig.router.addHandler({
      name: "slow",
      subscribe: "t",
      publish: "out",
      handle: async () => {
        running = true;
        await passed;
        return new Message("slow");
      },
    });
    rig.router.addHandler({ name: "other", subscribe: "u", publish: "out", handle: () => new Message("other") });
    await rig.router.start();
    await rig.send("t", "x");
    await until(() => running, "the handler runs");
    let stopped = false;
    void slow.stopped.then(() => {
      stopped = true;
    });
    const stopping = slow.stop();
    await rig.send("u", "x");
    await until(() => output.texts.includes("other"), "the other one goes on");
    expect(stopped).toBe(false);
    open();
    await Promise.all([stopping, slow.stopped]);
    await until(() => output.texts.length === 2, "its output came as well");
    expect(rig.router.describe().handlers.map(({ name }) => name)).toEqual(["other"]);
  });
});
