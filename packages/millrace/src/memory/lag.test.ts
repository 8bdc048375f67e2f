import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { silentLogger } from "../logger/index.ts";
import { Message, type ReceivedMessage, type Subscription } from "../message/index.ts";
import { MemoryPubSub } from "./index.ts";

const START = new Date("2026-01-01T00:00:00.000Z").getTime();
const numbered = (count: number, key?: string): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index), { key }));

async function take(subscription: Subscription, count: number): Promise<ReceivedMessage[]> {
  const iterator = subscription[Symbol.asyncIterator]();
  const taken: ReceivedMessage[] = [];
  while (taken.length < count) taken.push((await iterator.next()).value as ReceivedMessage);
  await iterator.return?.();
  return taken;
}

/** Milliseconds after the beginning at which the oldest was published. */
function oldestMs(subscription: Subscription): number | undefined {
  const at = subscription.status().oldestAt?.getTime();
  return at === undefined ? undefined : at - START;
}

beforeEach(() => void vi.useFakeTimers({ now: START }));
afterEach(() => void vi.useRealTimers());

describe.each([{ persistent: false }, { persistent: true }])("lag, persistent: $persistent", ({ persistent }) => {
  const bus = (): MemoryPubSub => new MemoryPubSub({ persistent, logger: silentLogger });

  it("is what the group has not settled: waiting, held, in flight and failed, whoever has it", async () => {
    await using pubsub = bus();
    const one = await pubsub.subscribe("t", { group: "g", maxInFlight: 4 });
    const two = await pubsub.subscribe("t", { group: "g" });
    await pubsub.publish("t", numbered(10));
    expect([one.status().lag, two.status().lag]).toEqual([10, 10]);
    const [first, second, third] = await take(one, 3);
    expect([one.status().inFlight, one.status().lag]).toEqual([3, 10]);
    first?.ack();
    second?.nack({ delayMs: 1000 });
    third?.nack();
    expect([one.status().lag, two.status().lag]).toEqual([9, 9]);
  });

  it("is the same while the subscription is paused, and grows with what is published meanwhile", async () => {
    await using pubsub = bus();
    const subscription = await pubsub.subscribe("t", { group: "g" });
    await pubsub.publish("t", numbered(5));
    (await take(subscription, 1))[0]?.ack();
    expect(subscription.status().lag).toBe(4);
    subscription.pause();
    expect(subscription.status().lag).toBe(4);
    await pubsub.publish("t", numbered(3));
    expect(subscription.status()).toMatchObject({ state: "paused", lag: 7 });
  });

  it("comes with the time at which the oldest of it was published, also of what is in hand or settled out of order", async () => {
    await using pubsub = bus();
    const subscription = await pubsub.subscribe("t", { group: "g", maxInFlight: 10, orderBy: "none" });
    expect(oldestMs(subscription)).toBeUndefined();
    for (let index = 0; index < 5; index++) {
      await pubsub.publish("t", new Message(String(index)));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(oldestMs(subscription)).toBe(0);
    const messages = await take(subscription, 4);
    expect(oldestMs(subscription)).toBe(0);
    messages[1]?.ack();
    messages[2]?.ack();
    expect(oldestMs(subscription)).toBe(0);
    messages[0]?.ack();
    expect(oldestMs(subscription)).toBe(300);
    messages[3]?.nack({ delayMs: 60_000 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(oldestMs(subscription)).toBe(300);
    subscription.pause();
    expect(oldestMs(subscription)).toBe(300);
    subscription.resume();
    (await take(subscription, 1))[0]?.ack();
    await vi.advanceTimersByTimeAsync(60_000);
    (await take(subscription, 1))[0]?.ack();
    expect([subscription.status().lag, oldestMs(subscription)]).toEqual([0, undefined]);
  });

  it("counts for each group by itself, from where it began", async () => {
    await using pubsub = bus();
    await pubsub.provision("t", { group: "a" });
    await pubsub.publish("t", numbered(3));
    await vi.advanceTimersByTimeAsync(500);
    const late = await pubsub.subscribe("t", { group: "b", from: "latest" });
    await pubsub.publish("t", numbered(2));
    const early = await pubsub.subscribe("t", { group: "a" });
    expect([early.status().lag, oldestMs(early)]).toEqual([5, 0]);
    expect([late.status().lag, oldestMs(late)]).toEqual([2, 500]);
  });
});

describe("a message of a topic that is not persistent", () => {
  it("tells when it was published", async () => {
    await using pubsub = new MemoryPubSub({ logger: silentLogger });
    const subscription = await pubsub.subscribe("t");
    await vi.advanceTimersByTimeAsync(1234);
    await pubsub.publish("t", new Message("x"));
    const [message] = await take(subscription, 1);
    expect(message?.delivery.publishedAt?.getTime()).toBe(START + 1234);
  });

  it("is told of as the oldest for more than an hour behind which others are settled, and the next one then within a hundredth of that time", async () => {
    await using pubsub = new MemoryPubSub({ logger: silentLogger });
    const subscription = await pubsub.subscribe("t", { group: "g", maxInFlight: 2, orderBy: "none" });
    await vi.advanceTimersByTimeAsync(77);
    await pubsub.publish("t", new Message("stuck"));
    const [stuck] = await take(subscription, 1);
    for (let second = 0; second < 5000; second++) {
      await vi.advanceTimersByTimeAsync(1000);
      await pubsub.publish("t", new Message("x"));
      (await take(subscription, 1))[0]?.ack();
    }
    expect([subscription.status().lag, oldestMs(subscription)]).toEqual([1, 77]);
    await pubsub.publish("t", new Message("next"));
    stuck?.ack();
    const late = 5_000_077 - (oldestMs(subscription) as number);
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(20_000);
  });
});
