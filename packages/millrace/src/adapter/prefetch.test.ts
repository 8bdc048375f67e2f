import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AdapterSubscription } from "./adapter-subscription.ts";
import { HandSource, nextOf } from "./hand-source.fixture.ts";
import { Prefetch } from "./prefetch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Settles so many messages, one every `everyMs`, and looks anew now and then. */
async function settle(prefetch: Prefetch, count: number, everyMs: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await vi.advanceTimersByTimeAsync(everyMs);
    prefetch.count();
    prefetch.adapt();
  }
}

describe("how far ahead is fetched", () => {
  it("begins at what may be in flight", () => {
    expect(new Prefetch(4, 1000).target).toBe(4);
    expect(new Prefetch(4, 1000).adapt()).toBe(4);
  });

  it("grows by doubling, up to the bound, while a fast handler would begin all of it within a second", async () => {
    const prefetch = new Prefetch(1, 64);
    const seen: number[] = [];
    for (let round = 0; round < 8; round++) {
      await settle(prefetch, 1, 2);
      seen.push(prefetch.target);
    }
    expect(seen).toEqual([2, 4, 8, 16, 32, 64, 64, 64]);
  });

  it("does not hoard for a slow handler", async () => {
    const prefetch = new Prefetch(1, 1000);
    await settle(prefetch, 20, 250);
    expect(prefetch.target).toBeLessThanOrEqual(4);
    const slower = new Prefetch(2, 1000);
    await settle(slower, 20, 5000);
    expect(slower.target).toBe(2);
  });

  it("shrinks at once when a fast handler becomes slow", async () => {
    const prefetch = new Prefetch(1, 1000);
    await settle(prefetch, 30, 1);
    expect(prefetch.target).toBeGreaterThan(500);
    await settle(prefetch, 1, 500);
    expect(prefetch.target).toBeLessThanOrEqual(2);
  });

  it("looks no further ahead than a quarter of the lease", async () => {
    const prefetch = new Prefetch(1, 1000, 400);
    await settle(prefetch, 50, 10);
    expect(prefetch.target).toBeLessThanOrEqual(10);
  });
});

/** Handles so many messages, each for so long, from a source that gives what it is asked for. */
async function handle(source: HandSource, subscription: AdapterSubscription<string>, count: number, forMs: number, payload?: string): Promise<number> {
  const iterator = subscription[Symbol.asyncIterator]();
  let mostHeld = 0;
  for (let index = 0; index < count; index++) {
    const next = nextOf(iterator);
    source.session.answer(payload);
    const message = await next;
    await vi.advanceTimersByTimeAsync(forMs);
    message.ack();
    mostHeld = Math.max(mostHeld, subscription.status().held);
  }
  return mostHeld;
}

describe("a subscription", () => {
  it("asks for more ahead as a fast handler settles, bounded by prefetch", async () => {
    const source = new HandSource();
    await handle(source, await source.subscribe({}, { prefetch: 32 }), 400, 1);
    expect(Math.max(...source.session.wants)).toBeGreaterThan(16);
    expect(Math.max(...source.session.wants)).toBeLessThanOrEqual(32);
  });

  it("holds no more for a slow handler than it begins within a second, also where one message waits for the other", async () => {
    const source = new HandSource();
    const most = await handle(source, await source.subscribe(), 40, 100);
    expect(most).toBeGreaterThan(2);
    expect(most).toBeLessThanOrEqual(10);
  });

  it("counts no bytes of what it has given back", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 4 }, { prefetchBytes: 1000 });
    subscription[Symbol.asyncIterator]();
    for (let round = 0; round < 3; round++) {
      source.session.deliver({ id: "a", payload: "x".repeat(600) });
      expect([subscription.status().held, source.session.wanted]).toEqual([1, 4]);
      subscription.pause();
      subscription.resume();
    }
  });

  it("asks for no more large messages than prefetchBytes has room for", async () => {
    const source = new HandSource();
    await handle(source, await source.subscribe({}, { prefetchBytes: 10_000 }), 200, 1, "x".repeat(1000));
    const { wants } = source.session;
    expect(Math.max(...wants)).toBeGreaterThan(4);
    expect(Math.max(...wants)).toBeLessThanOrEqual(12); // sizes are known only after some have come
    expect(wants.length).toBeLessThan(100);
  });

  it("stops at once when messages come much larger than those before", async () => {
    const source = new HandSource();
    const iterator = (await source.subscribe({ maxInFlight: 4 }, { prefetchBytes: 10_000 }))[Symbol.asyncIterator]();
    const next = nextOf(iterator);
    source.session.deliver("a");
    await next;
    source.session.deliver({ id: "b", payload: "x".repeat(20_000) });
    expect(source.session.wants).toEqual([4, 0]);
  });

  it("stops asking when it holds prefetchBytes", async () => {
    const source = new HandSource();
    const iterator = (await source.subscribe({ maxInFlight: 4 }, { prefetchBytes: 1000 }))[Symbol.asyncIterator]();
    source.session.deliver("a", "b", { id: "c", payload: "x".repeat(2000) });
    for (let count = 0; count < 2; count++) (await nextOf(iterator)).ack();
    expect(source.session.wanted).toBe(0);
  });
});
