import { afterEach, describe, expect, it, vi } from "vitest";
import type { SubscriptionStatus } from "../message/index.ts";
import { subscriptionDoor } from "../message/subscription-door.ts";
import type { AdapterSubscription } from "./adapter-subscription.ts";
import { type HandSession, HandSource, nextOf } from "./hand-source.fixture.ts";

afterEach(() => void vi.useRealTimers());

/** What a subscription says whenever its state or the cause of it is another. */
function changes(subscription: AdapterSubscription<string>): SubscriptionStatus[] {
  const told: SubscriptionStatus[] = [];
  subscriptionDoor(subscription)?.onStatus(() => {
    const status = subscription.status();
    if (told.at(-1)?.state !== status.state || told.at(-1)?.detail !== status.detail) told.push(status);
  });
  return told;
}

/** Delivers all that is wanted, all of one key. */
class Hot {
  readonly #session: HandSession;
  #wishes = -1;
  #wanted = 0;
  #sent = 0;

  constructor(session: HandSession) {
    this.#session = session;
  }

  answer(): void {
    for (;;) {
      if (this.#wishes !== this.#session.wants.length) this.#wanted = this.#session.wanted;
      this.#wishes = this.#session.wants.length;
      if (this.#wanted-- <= 0) return;
      this.#session.deliver({ id: `hot${this.#sent++}`, key: "hot" });
    }
  }
}

async function hotKey(parkLimit: number) {
  vi.useFakeTimers();
  const source = new HandSource();
  const subscription = await source.subscribe({ maxInFlight: 4 }, { parkLimit });
  const told = changes(subscription);
  const iterator = subscription[Symbol.asyncIterator]();
  // A quick handler, so that much is held ahead.
  for (let n = 0; n < 2_000; n++) {
    source.session.deliver({ id: `quick${n}`, key: `k${n}` });
    (await nextOf(iterator)).ack();
    if (n % 100 === 99) await vi.advanceTimersByTimeAsync(1);
  }
  return { source, subscription, told, iterator, hot: new Hot(source.session) };
}

describe("a key that is slow", () => {
  it("has no more than parkLimit and maxInFlight wait, however much is held ahead of a quick handler", async () => {
    const { source, subscription, iterator, hot } = await hotKey(100);
    expect(source.session.wanted).toBeGreaterThan(50);
    let most = 0;
    for (let n = 0; n < 300; n++) {
      hot.answer();
      most = Math.max(most, subscription.status().held);
      (await nextOf(iterator)).ack();
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(most).toBe(105); // one of them is about to be handed out
  });

  it("is told once, and not at each message that is handled", async () => {
    const { subscription, told, iterator, hot } = await hotKey(100);
    for (let n = 0; n < 300; n++) {
      hot.answer();
      (await nextOf(iterator)).ack();
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(told.map(({ state, detail }) => [state, detail])).toEqual([
      ["blocked", expect.stringContaining('104 messages wait behind busy keys, 104 of them behind key "hot"')],
    ]);
    expect(subscription.status().since).toEqual(told[0]?.since);
  });

  it("is asked for in runs at its bound, not one for each that is handled", async () => {
    const { source, iterator, hot } = await hotKey(100);
    hot.answer();
    const before = source.session.wants.filter((count) => count > 0).length;
    for (let n = 0; n < 200; n++) {
      (await nextOf(iterator)).ack();
      hot.answer();
    }
    expect(source.session.wants.filter((count) => count > 0).length - before).toBeLessThan(30);
  });

  it("is over when half of it is through, and others were fetched before", async () => {
    const { source, subscription, told, iterator, hot } = await hotKey(100);
    hot.answer();
    for (let left = 104; left > 0; left--) {
      (await nextOf(iterator)).ack();
      if (left === 75) expect([source.session.wanted > 0, subscription.status().state]).toEqual([true, "blocked"]);
    }
    expect(told.map(({ state }) => state)).toEqual(["blocked", "running"]);
  });
});

describe("a key that fails", () => {
  it("is told once, also while it is tried again", async () => {
    vi.useFakeTimers();
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2 }, { parkLimit: 5 });
    const told = changes(subscription);
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver(...Array.from({ length: 6 }, (_, n) => ({ id: `hot${n}`, key: "hot" })));
    for (let attempt = 1; attempt < 6; attempt++) {
      const next = nextOf(iterator);
      await vi.advanceTimersByTimeAsync(1000);
      (await next).nack({ delayMs: 1000 });
    }
    const blocked = [["blocked", '6 messages failed or wait behind a failed one, key "hot"']];
    expect(told.map(({ state, detail }) => [state, detail])).toEqual(blocked);
    expect(subscription.status().since).toEqual(told[0]?.since);
    for (let left = 6; left > 0; left--) {
      const next = nextOf(iterator);
      await vi.advanceTimersByTimeAsync(1000);
      (await next).ack();
    }
    expect(told.map(({ state }) => state)).toEqual(["blocked", "running"]);
  });

  it("takes the place of what was told of it as a slow one, and the state is as old as before", async () => {
    vi.useFakeTimers();
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2 }, { parkLimit: 4 });
    const told = changes(subscription);
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver(...Array.from({ length: 7 }, (_, n) => ({ id: `hot${n}`, key: "hot" })));
    const hot = await nextOf(iterator);
    hot.nack({ delayMs: 1000 });
    expect(told.map(({ detail }) => detail)).toEqual([
      expect.stringContaining("6 messages wait behind busy keys"),
      '7 messages failed or wait behind a failed one, key "hot"',
    ]);
    expect(told[1]?.since).toEqual(told[0]?.since);
  });
});
