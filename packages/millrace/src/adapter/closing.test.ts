import { afterEach, describe, expect, it, vi } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { HandSource, nextOf } from "./hand-source.fixture.ts";

afterEach(() => void vi.useRealTimers());

describe("drain", () => {
  it("gives back what was not handed out, waits for what was, flushes, and closes", async () => {
    const source = new HandSource();
    const onClosed = vi.fn();
    const subscription = await source.subscribe({}, {}, onClosed);
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a", "b", "c");
    const a = await nextOf(iterator);
    let drained = false;
    const draining = subscription.drain().then(() => {
      drained = true;
    });
    expect(source.session.givenBack.map(({ id }) => id)).toEqual(["b", "c"]);
    expect((await iterator.next()).done).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect([drained, a.signal.aborted, subscription.status().inFlight]).toEqual([false, false, 1]);
    expect(a.ack()).toBe(true);
    await draining;
    expect(source.session.told).toEqual(["ack a"]);
    expect([source.session.closed, subscription.status().state, onClosed.mock.calls.length]).toEqual([1, "stopped", 1]);
    await subscription.closed;
  });

  it("aborts and gives back, uncounted, what is unsettled at its deadline", async () => {
    const logger = new RecordingLogger();
    const source = new HandSource();
    const subscription = await source.subscribe({}, { logger });
    source.session.deliver("a");
    const a = await nextOf(subscription[Symbol.asyncIterator]());
    const { signal } = a;
    await subscription.drain({ timeoutMs: 20 });
    expect(signal.reason).toMatchObject({ code: "DRAIN_DEADLINE" });
    expect(MillraceError.is(signal.reason)).toBe(true);
    expect([a.ack(), await a.settled]).toEqual([false, "lost"]);
    expect(source.session.givenBack.map(({ id, attempt }) => [id, attempt])).toEqual([["a", 1]]);
    expect(logger.at("warn")[0]?.fields).toMatchObject({ topic: "orders", count: 1, id: "a" });
  });

  it("still tells the broker what was settled when the handlers used up its time", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2, orderBy: "none" }, { settleDelayMs: 60_000 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a", "b");
    const a = await nextOf(iterator);
    await nextOf(iterator);
    a.ack();
    source.session.onSettle = () => new Promise((resolve) => setTimeout(resolve, 10));
    await subscription.drain({ timeoutMs: 20 });
    expect(source.session.told).toEqual(["ack a"]);
  });

  it("ends in the shortest time of all who ask, also when the dispose is one of them", async () => {
    for (const sooner of [{ timeoutMs: 20 }, { timeoutMs: 5000, signal: AbortSignal.timeout(20) }, undefined]) {
      const source = new HandSource();
      const subscription = await source.subscribe();
      source.session.deliver("a");
      const a = await nextOf(subscription[Symbol.asyncIterator]());
      const began = performance.now();
      const draining = subscription.drain({ timeoutMs: 20_000 });
      await (sooner === undefined ? subscription[Symbol.asyncDispose]() : subscription.drain(sooner));
      await draining;
      expect(performance.now() - began).toBeLessThan(1000);
      expect([a.ack(), source.session.givenBack.map(({ id }) => id)]).toEqual([false, ["a"]]);
    }
  });

  it("is not put off by who gives it more time, and lets nobody wait longer for the broker than the shortest", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.deliver("a");
    const a = await nextOf(subscription[Symbol.asyncIterator]());
    source.session.onSettle = () => new Promise(() => {});
    a.ack();
    const began = performance.now();
    const draining = subscription.drain({ timeoutMs: 20_000 });
    const sooner = subscription.drain({ timeoutMs: 20 });
    const later = subscription.drain();
    await Promise.all([draining, sooner, later].map((one) => expect(one).rejects.toMatchObject({ code: "SETTLE_TIMEOUT" })));
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it("ends at once when its signal aborts", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.deliver("a");
    const a = await nextOf(subscription[Symbol.asyncIterator]());
    const controller = new AbortController();
    const draining = subscription.drain({ signal: controller.signal });
    controller.abort();
    await draining.catch(() => {});
    expect([a.ack(), source.session.closed]).toEqual([false, 1]);
  });

  it("gives back a message that is nacked meanwhile, with its attempt counted", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.deliver("a");
    const a = await nextOf(subscription[Symbol.asyncIterator]());
    const draining = subscription.drain();
    expect(a.nack({ delayMs: 60_000 })).toBe(true);
    await draining;
    expect(source.session.givenBack.map(({ id, attempt }) => [id, attempt])).toEqual([["a", 2]]);
  });

  it("rejects with a SettleError, logs it, and is closed all the same when verdicts cannot be made durable", async () => {
    const logger = new RecordingLogger();
    const source = new HandSource();
    const subscription = await source.subscribe({}, { logger });
    source.session.deliver("a");
    const a = await nextOf(subscription[Symbol.asyncIterator]());
    source.session.onSettle = () => {
      throw new Error("broker away");
    };
    a.ack();
    await expect(subscription.drain({ timeoutMs: 120 })).rejects.toMatchObject({ code: "SETTLE_FAILED", positions: ["at-a"] });
    expect(logger.saying("closed with verdicts that are not durable")).toHaveLength(1);
    await subscription.closed;
    expect(source.session.closed).toBe(1);
  });

  it("ends within its time while there is no session and none can be had", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.deliver("a");
    const a = await nextOf(subscription[Symbol.asyncIterator]());
    source.open = () => {
      throw new Error("refused");
    };
    source.session.intake.fail(new Error("cut"));
    a.ack();
    const began = performance.now();
    await expect(subscription.drain({ timeoutMs: 150 })).rejects.toMatchObject({ code: "SETTLE_FAILED" });
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it("ends although a session's close never does", async () => {
    const logger = new RecordingLogger();
    const source = new HandSource();
    const subscription = await source.subscribe({}, { logger });
    source.session.onClose = () => new Promise(() => {});
    await subscription.drain({ timeoutMs: 50 });
    await subscription.closed;
    expect(logger.saying("did not close in time")).toHaveLength(1);
  });

  it("is one and the same for all who call it, and leaves no timer behind", async () => {
    vi.useFakeTimers();
    const source = new HandSource();
    const subscription = await source.subscribe();
    subscription[Symbol.asyncIterator]();
    await Promise.all([subscription.drain(), subscription.close(), subscription.drain({ timeoutMs: 5 }), subscription[Symbol.asyncDispose]()]);
    await subscription.close();
    expect(source.session.closed).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("disposing", () => {
  it("gives back nothing that is settled because another one was aborted", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("a", "b");
    const [a, b] = [await nextOf(iterator), await nextOf(iterator)];
    a.signal.addEventListener("abort", () => b.ack());
    await subscription[Symbol.asyncDispose]();
    expect([source.session.told, source.session.givenBack.map(({ id }) => id), await b.settled]).toEqual([["ack b"], ["a"], "acked"]);
  });

  it("gives back at once what is unsettled, and flushes", async () => {
    const source = new HandSource();
    {
      await using subscription = await source.subscribe({ maxInFlight: 2, orderBy: "none" }, { settleDelayMs: 60_000 });
      const iterator = subscription[Symbol.asyncIterator]();
      source.session.deliver("a", "b", "c");
      const a = await nextOf(iterator);
      await nextOf(iterator);
      a.ack();
      source.session.onSettle = () => new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(source.session.told).toEqual(["ack a"]);
    expect(source.session.givenBack.map(({ id, attempt }) => [id, attempt]).sort()).toEqual([
      ["b", 1],
      ["c", 1],
    ]);
  });

  it("cuts short a drain that waits", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    source.session.deliver("a");
    await nextOf(subscription[Symbol.asyncIterator]());
    const draining = subscription.drain();
    await subscription[Symbol.asyncDispose]();
    await draining;
    expect(source.session.givenBack.map(({ id }) => id)).toEqual(["a"]);
  });
});
