import { describe, expect, it } from "vitest";
import { sleep } from "../internal/timers.ts";
import type { Middleware } from "../message/index.ts";
import { HandSubscriber, Rig, until } from "../router/rig.fixture.ts";
import { circuitBreaker } from "./index.ts";
import { numbered, RouterApp } from "./router-app.fixture.ts";

describe("a circuit breaker in a router", () => {
  it("costs no message an attempt while it is open or tries: an outage dead-letters none", async () => {
    await using rig = new RouterApp({ failure: { attempts: 5, minDelayMs: 10, maxDelayMs: 50, deadLetter: undefined } });
    const { app, router } = rig;
    const calls = new Map<string, number>();
    const wrongCounts: string[] = [];
    const done: string[] = [];
    const up = app.now.getTime() + 3_000;
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      concurrency: 8,
      failure: { deadLetter: { publisher: app.pubsub, topic: "dead" } },
      middleware: [circuitBreaker({ timeoutMs: 1_000 })],
      handle: async (message) => {
        const call = (calls.get(message.id) ?? 0) + 1;
        calls.set(message.id, call);
        if (message.delivery.attempt !== call) wrongCounts.push(`${message.id}: call ${call} is attempt ${message.delivery.attempt}`);
        await sleep(1);
        if (app.now.getTime() < up) throw new Error("down");
        done.push(message.id);
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", numbered(40));
    await app.settled();
    expect(app.published("dead")).toEqual([]);
    expect(done.toSorted()).toEqual(
      numbered(40)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect(wrongCounts).toEqual([]);
    expect(app.now.getTime() - up).toBeLessThan(2_000);
  });

  it("is asked again by the messages it turned away one after the other, not by all at once, and none is in a loop meanwhile", async () => {
    await using rig = new RouterApp();
    const { app, router } = rig;
    const arrivals = new Map<number, number>();
    const began = app.now.getTime();
    let up = false;
    let handled = 0;
    const counts: Middleware = (next) => (message) => {
      const at = app.now.getTime() - began;
      arrivals.set(at, (arrivals.get(at) ?? 0) + 1);
      return next(message);
    };
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      concurrency: 20,
      orderBy: "none",
      middleware: [counts, circuitBreaker({ timeoutMs: 1_000, readyToTrip: () => true })],
      handle: () => {
        if (!up) throw new Error("down");
        handled++;
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", numbered(500));
    await app.advance(500);
    up = true;
    expect([...arrivals.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(501);
    await app.settled();
    expect(handled).toBe(500);
    const later = [...arrivals].filter(([at]) => at >= 1_000);
    expect(Math.max(...later.map(([, count]) => count))).toBeLessThanOrEqual(3);
  });

  it("is not opened by six lost deliveries", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: { minDelayMs: 0, maxDelayMs: 1 } });
    let calls = 0;
    const handled: string[] = [];
    rig.router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      middleware: [circuitBreaker()],
      handle: async (message) => {
        calls++;
        if (message.id === "last") return void handled.push(message.id);
        await new Promise((_resolve, reject) => message.signal.addEventListener("abort", () => reject(message.signal.reason)));
      },
    });
    await rig.router.start();
    const { session } = subscriber.source;
    for (let count = 1; count <= 6; count++) {
      session.deliver(`m-${count}`);
      await until(() => calls === count, `call ${count}`);
      session.intake.lose();
    }
    session.deliver("last");
    await until(() => handled.length === 1, "the next message");
  });
});
