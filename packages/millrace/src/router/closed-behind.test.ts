import { describe, expect, it } from "vitest";
import type { AdapterSubscription } from "../adapter/index.ts";
import { MillraceError } from "../errors/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { HandSubscriber, Rig, until } from "./rig.fixture.ts";

/** A router with a handler on a subscriber of its own, `a`, and another one, `b`. */
function two(other = new MemoryPubSub()) {
  const rig = new Rig();
  const told: string[] = [];
  rig.router.observe({ state: ({ by, status }) => void told.push(`${by.handler} ${status.state} ${status.lastError?.message ?? ""}`.trim()) });
  const seen: string[] = [];
  const a = rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber: other, topic: "t" }, handle: () => {} });
  rig.router.addConsumerHandler({ name: "b", subscribe: "t", handle: (m) => void seen.push(m.text()) });
  return { rig, other, a, told, seen, health: () => rig.router.health() };
}

describe("a handler whose subscriber is closed behind the router's back", () => {
  it("stays in health, stopped and with the reason, and the process is neither live nor ready; the others go on", async () => {
    const { rig, other, a, told, seen, health } = two();
    await using _ = rig;
    await rig.router.start();
    await other.close();
    await a.stopped;
    const closed = { state: "stopped", lastError: { code: "CLOSED" }, inFlight: 0, held: 0 };
    expect(health()).toMatchObject({ live: false, ready: false, handlers: { a: closed, b: { state: "running" } } });
    const { since } = health().handlers.a ?? {};
    await rig.send("t", "x");
    await rig.router.idle();
    expect(seen).toEqual(["x"]);
    expect(rig.router.describe().handlers.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(told.filter((event) => event.startsWith("a stopped"))).toEqual([expect.stringContaining("closed")]);
    await rig.router.close();
    expect(health()).toMatchObject({ live: false, ready: false, handlers: { a: { ...closed, since }, b: { state: "stopped" } } });
  });

  it("is forgotten when its owner stops it", async () => {
    const { rig, other, a, health } = two();
    await using _ = rig;
    await rig.router.start();
    await other.close();
    await a.stopped;
    await a.stop();
    expect(health()).toMatchObject({ live: true, ready: true });
    expect(Object.keys(health().handlers)).toEqual(["b"]);
  });

  it("leaves its name to another one, which takes its place in health", async () => {
    const { rig, other, a, health } = two();
    await using _ = rig;
    await rig.router.start();
    await other.close();
    await a.stopped;
    const next = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await next.started;
    expect(health()).toMatchObject({ live: true, ready: true, handlers: { a: { state: "running", lastError: undefined } } });
    await a.stop(); // no more than its own
    expect(health().handlers.a?.state).toBe("running");
  });

  it("is still named when it was the last one and the router has closed, and begins again with the next start", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await rig.router.start();
    const { subscribe } = subscriber;
    subscriber.subscribe = async () => {
      throw new MillraceError("the subscriber is closed", { code: "CLOSED" });
    };
    await subscriber.subscriptions[0]?.close();
    await rig.router.closed;
    const closed = { live: false, ready: false, handlers: { a: { state: "stopped", lastError: { code: "CLOSED" } } } };
    expect(rig.router.health()).toMatchObject(closed);
    await expect(rig.router.start()).rejects.toMatchObject({ code: "CLOSED" });
    subscriber.subscribe = subscribe;
    await rig.router.start();
    expect(rig.router.health()).toMatchObject({ live: true, ready: true, handlers: { a: { state: "running" } } });
  });

  it("closes the router with an error in the log, also when another handler is done after it", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const other = new MemoryPubSub();
    const a = rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber: other, topic: "t" }, handle: () => {} });
    rig.router.addConsumerHandler({ name: "b", subscribe: "t", handle: () => {} });
    await rig.router.start();
    await other.close();
    await a.stopped;
    await (subscriber.subscriptions[0] as AdapterSubscription).finish();
    await rig.router.closed;
    expect(rig.logger.at("error").filter(({ text }) => text.includes("all handlers have stopped"))).toHaveLength(1);
    expect(Object.keys(rig.router.health().handlers)).toEqual(["a"]);
    expect(rig.router.health().live).toBe(false);
  });
});

it("a handler that was read to its end leaves health, and the process stays live and ready", async () => {
  const subscriber = new HandSubscriber();
  await using rig = new Rig();
  const a = rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber, topic: "t" }, handle: () => {} });
  rig.router.addConsumerHandler({ name: "b", subscribe: "t", handle: () => {} });
  await rig.router.start();
  await (subscriber.subscriptions[0] as AdapterSubscription).finish();
  await a.stopped;
  await until(() => rig.router.health().handlers.a === undefined, "it to leave");
  expect(rig.router.health()).toMatchObject({ live: true, ready: true });
});
