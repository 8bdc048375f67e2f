import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { silentLogger } from "../logger/index.ts";
import { Message, type Subscription } from "../message/index.ts";
import { MemoryPubSub } from "./index.ts";

const START = new Date("2026-01-01T00:00:00.000Z").getTime();

/** Reads in the background: the first attempt of `failing` is nacked for 30 s. What came, and when. */
function reading(subscription: Subscription, failing = "1"): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const message of subscription) {
      const { attempt } = message.delivery;
      seen.push(`${message.text()}#${attempt} ${Date.now() - START}`);
      if (message.text() === failing && attempt === 1) message.nack({ delayMs: 30_000 });
      else message.ack();
    }
  })();
  return seen;
}

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index + 1)));

beforeEach(() => void vi.useFakeTimers({ now: START }));
afterEach(() => void vi.useRealTimers());

describe.each([{ persistent: false }, { persistent: true }])("what is given back before its next attempt is due, persistent: $persistent", ({ persistent }) => {
  it.each([
    { name: "in one lane", options: {}, others: [] },
    { name: "without order", options: { maxInFlight: 5, orderBy: "none" as const }, others: ["2#1 0", "3#1 0"] },
  ])("keeps its moment through pause and resume, $name", async ({ options, others }) => {
    await using bus = new MemoryPubSub({ persistent, logger: silentLogger });
    const subscription = await bus.subscribe("t", { group: "g", ...options });
    const seen = reading(subscription);
    await bus.publish("t", numbered(3));
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual(["1#1 0", ...others]);
    subscription.pause();
    await vi.advanceTimersByTimeAsync(10_000);
    subscription.resume();
    await vi.advanceTimersByTimeAsync(19_999);
    expect(seen).toEqual(["1#1 0", ...others]);
    await vi.advanceTimersByTimeAsync(1);
    expect(seen).toEqual(["1#1 0", ...others, "1#2 30000", ...(others.length > 0 ? [] : ["2#1 30000", "3#1 30000"])]);
  });

  it("keeps its moment, and its place, in the next subscription of its group", async () => {
    await using bus = new MemoryPubSub({ persistent, logger: silentLogger });
    await bus.provision("t", { group: "g" });
    const first = await bus.subscribe("t", { group: "g" });
    const before = reading(first);
    await bus.publish("t", numbered(3));
    await vi.advanceTimersByTimeAsync(0);
    await first.close();
    expect(before).toEqual(["1#1 0"]);
    await vi.advanceTimersByTimeAsync(10_000);
    const seen = reading(await bus.subscribe("t", { group: "g" }));
    await vi.advanceTimersByTimeAsync(19_999);
    expect(seen).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(seen).toEqual(["1#2 30000", "2#1 30000", "3#1 30000"]);
  });

  it("keeps its moment with the member that takes it over", async () => {
    await using bus = new MemoryPubSub({ persistent, logger: silentLogger });
    const [one, two] = [await bus.subscribe("t", { group: "g" }), await bus.subscribe("t", { group: "g" })];
    const seen = reading(one);
    await bus.publish("t", numbered(1));
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual(["1#1 0"]);
    const taken = reading(two);
    await one.close();
    await vi.advanceTimersByTimeAsync(29_999);
    expect(taken).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(taken).toEqual(["1#2 30000"]);
  });
});
