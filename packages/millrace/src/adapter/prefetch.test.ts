import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
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

describe("a subscription", () => {
  it("asks for more ahead as a fast handler settles, bounded by prefetch", async () => {
    const source = new HandSource();
    const iterator = (await source.subscribe({}, { prefetch: 32 }))[Symbol.asyncIterator]();
    let delivered = 0;
    for (let index = 0; index < 400; index++) {
      while (delivered <= index + source.session.wanted) source.session.deliver(String(delivered++));
      const message = await nextOf(iterator);
      await vi.advanceTimersByTimeAsync(1);
      message.ack();
    }
    expect(Math.max(...source.session.wants)).toBeGreaterThan(16);
    expect(Math.max(...source.session.wants)).toBeLessThanOrEqual(32);
  });

  it("stops asking when it holds prefetchBytes", async () => {
    const source = new HandSource();
    const iterator = (await source.subscribe({}, { prefetchBytes: 1000 }))[Symbol.asyncIterator]();
    source.session.deliver({ id: "a" }, { id: "b", payload: "x".repeat(2000) });
    (await nextOf(iterator)).ack();
    expect(source.session.wanted).toBe(0);
  });
});
