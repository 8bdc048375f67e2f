import { describe, expect, it } from "vitest";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type Subscriber } from "../message/index.ts";
import type { HandlerHandle } from "./index.ts";
import { Rig } from "./rig.fixture.ts";

describe("a handler whose subscriber was closed behind the router's back, while others go on", () => {
  const closedUnder = async (rig: Rig): Promise<{ readonly stop: () => Promise<void>; readonly add: () => Promise<void> }> => {
    const bus = new MemoryPubSub();
    const add = (subscriber: Subscriber): HandlerHandle =>
      rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber, topic: "t" }, handle: () => {} });
    const handle = add(bus);
    rig.router.addConsumerHandler({ name: "b", subscribe: "t", handle: () => {} });
    await rig.router.start();
    await bus.publish("t", new Message("x"));
    await rig.router.idle();
    await bus.close();
    await handle.stopped;
    return { stop: () => handle.stop(), add: () => add(rig.bus).started };
  };

  it("stays in health as stopped, with its counts and the reason: neither live nor ready", async () => {
    const told: unknown[] = [];
    await using rig = new Rig();
    rig.router.observe({ state: ({ by, status }) => void (by.handler === "a" && told.push(status.state)) });
    await closedUnder(rig);
    const { live, ready, handlers } = rig.router.health();
    expect([live, ready, handlers.b?.state]).toEqual([false, false, "running"]);
    expect(handlers.a).toMatchObject({ state: "stopped", counts: { handled: 1 }, lastError: { code: "CLOSED" } });
    expect(told.at(-1)).toBe("stopped");
  });

  it("is done with when its owner stops it", async () => {
    await using rig = new Rig();
    const { stop } = await closedUnder(rig);
    await stop();
    expect(rig.router.health()).toMatchObject({ live: true, ready: true });
    expect(Object.keys(rig.router.health().handlers)).toEqual(["b"]);
  });

  it("can be added again by its name, with another subscriber", async () => {
    await using rig = new Rig();
    const { add } = await closedUnder(rig);
    await add();
    expect(rig.router.health()).toMatchObject({ live: true, ready: true, handlers: { a: { state: "running" }, b: { state: "running" } } });
  });
});
