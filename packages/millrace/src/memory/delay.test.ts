import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { silentLogger } from "../logger/index.ts";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { Message, type Subscription } from "../message/index.ts";
import { subscriptionDoor } from "../message/subscription-door.ts";
import { MemoryPubSub, memoryCapabilities, persistentMemoryCapabilities } from "./index.ts";

const START = new Date("2026-01-01T00:00:00.000Z").getTime();
const HOUR = 3_600_000;

/** Reads in the background: what came, and how many milliseconds after the beginning. */
function reading(subscription: Subscription): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const message of subscription) {
      seen.push(`${message.text()} ${Date.now() - START}`);
      message.ack();
    }
  })();
  return seen;
}

/** Lets what is resolved already go on. */
const calm = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers({ now: START }));
afterEach(() => void vi.useRealTimers());

describe.each([{ persistent: false }, { persistent: true }])("a delayed message, persistent: $persistent", ({ persistent }) => {
  it("is held back until it is due, for every group, and never comes a millisecond early or late", async () => {
    await using bus = new MemoryPubSub({ persistent, logger: silentLogger });
    const seen = [reading(await bus.subscribe("t", { group: "a" })), reading(await bus.subscribe("t", { group: "b" })), reading(await bus.subscribe("t"))];
    await bus.publish("t", new Message("later", { delayMs: 2000 }));
    await bus.publish("t", new Message("90 s", { deliverAt: new Date(START + 90_000) }));
    await bus.publish("t", new Message("now"));
    await calm();
    expect(seen).toEqual([["now 0"], ["now 0"], ["now 0"]]);
    await vi.advanceTimersByTimeAsync(1999);
    expect(seen[0]).toEqual(["now 0"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(seen[0]).toEqual(["now 0", "later 2000"]);
    await vi.advanceTimersByTimeAsync(87_999);
    expect(seen[0]).toEqual(["now 0", "later 2000"]);
    await vi.advanceTimersByTimeAsync(1);
    for (const group of seen) expect(group).toEqual(["now 0", "later 2000", "90 s 90000"]);
  });

  it("passes at once when it is due already, in its place among the others", async () => {
    await using bus = new MemoryPubSub({ persistent, logger: silentLogger });
    const seen = reading(await bus.subscribe("t"));
    const timers = vi.getTimerCount();
    const past = new Message("past", { deliverAt: new Date(START - 1) });
    await bus.publish("t", [new Message("first"), past, new Message("due", { delayMs: 0 }), new Message("last")]);
    await bus.publish("t", past);
    await calm();
    expect(seen).toEqual(["first 0", "past 0", "due 0", "last 0", "past 0"]);
    expect(vi.getTimerCount()).toBe(timers);
  });

  it("comes in the order of the times, and at one time in the order of publishing, alone or in a list", async () => {
    await using bus = new MemoryPubSub({ persistent, logger: silentLogger });
    const seen = reading(await bus.subscribe("t"));
    await bus.publish("t", [new Message("c", { delayMs: 30 }), new Message("a", { delayMs: 10 }), new Message("b1", { delayMs: 20 })]);
    await bus.publish("t", new Message("b2", { delayMs: 20 }));
    await vi.advanceTimersByTimeAsync(50);
    expect(seen).toEqual(["a 10", "b1 20", "b2 20", "c 30"]);
  });

  it("goes to the groups that are there when it is due, also where nobody was when it was published", async () => {
    await using bus = new MemoryPubSub({ persistent, logger: silentLogger });
    await bus.publish("t", new Message("early bird", { delayMs: 1000 }));
    const first = await bus.subscribe("t", { group: "g" });
    await first.close();
    await vi.advanceTimersByTimeAsync(500);
    const seen = reading(await bus.subscribe("t", { group: "g" }));
    await vi.advanceTimersByTimeAsync(500);
    expect(seen).toEqual(["early bird 1000"]);
  });

  it("is no lag, and router.idle() does not wait for it, until it is due", async () => {
    await using bus = new MemoryPubSub({ persistent, logger: silentLogger });
    const subscription = await bus.subscribe("t", { group: "g" });
    await bus.publish("t", new Message("x", { delayMs: HOUR }));
    expect(subscription.status().lag).toBe(0);
    await subscriptionDoor(subscription)?.idle();
    expect(Date.now()).toBe(START);
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(subscription.status().lag).toBe(1);
  });

  it("can be published again as it was received, and passes at once", async () => {
    await using bus = new MemoryPubSub({ persistent, logger: silentLogger });
    const [from, to] = [await bus.subscribe("from"), await bus.subscribe("to")];
    const seen = reading(to);
    await bus.publish("from", new Message("x", { delayMs: 1000 }));
    const next = from[Symbol.asyncIterator]().next();
    await vi.advanceTimersByTimeAsync(1000);
    const { value: message } = await next;
    expect(message?.dueAt?.getTime()).toBe(START + 1000);
    if (message !== undefined) await bus.publish("to", message);
    message?.ack();
    await calm();
    expect(seen).toEqual(["x 1000"]);
  });

  it("says with its capability that there is no limit", async () => {
    await using bus = new MemoryPubSub({ persistent, logger: silentLogger });
    expect(bus.capabilities).toBe(persistent ? persistentMemoryCapabilities : memoryCapabilities);
    expect(bus.capabilities.maxPublishDelayMs).toBe(Infinity);
  });
});

describe("delayed messages", () => {
  it("enter a persistent topic when they are due: none of them holds its beginning, and positions tell the order of entering", async () => {
    await using bus = new MemoryPubSub({ persistent: true, logger: silentLogger });
    await bus.publish("t", [new Message("late", { delayMs: 60_000 }), new Message("1"), new Message("2")]);
    const group = await bus.subscribe("t", { group: "g" });
    reading(group);
    await calm();
    expect(group.status()).toMatchObject({ inFlight: 0, held: 0, lag: 0 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reading(await bus.subscribe("t", { from: { position: "2" } }))).toEqual([]);
    await calm();
    expect(reading(await bus.subscribe("t", { from: { time: new Date(START + 1) } }))).toEqual([]);
    const replay = reading(await bus.subscribe("t"));
    await calm();
    expect(replay).toEqual(["1 60000", "2 60000", "late 60000"]);
  });

  it("cost one timer, however many there are", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const subscription = await bus.subscribe("t", { maxInFlight: 100 });
    const times: number[] = [];
    void (async () => {
      for await (const message of subscription) {
        times.push(Number(message.text()) - (Date.now() - START));
        message.ack();
      }
    })();
    await calm();
    const timers = vi.getTimerCount();
    for (let count = 0; count < 100_000; count++) {
      const delayMs = 1000 + ((count * 7919) % 1000);
      await bus.publish("t", new Message(String(delayMs), { delayMs }));
    }
    await calm();
    expect(vi.getTimerCount()).toBe(timers + 1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(times).toHaveLength(100_000);
    expect(new Set(times)).toEqual(new Set([0]));
    expect(vi.getTimerCount()).toBe(timers);
  });

  it("that are due at one moment leave the event loop its turns", async () => {
    vi.useRealTimers();
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const subscription = await bus.subscribe("t", { maxInFlight: 100 });
    const message = new Message("x", { deliverAt: new Date(Date.now() + 2000) });
    await bus.publish(
      "t",
      Array.from({ length: 100_000 }, () => message),
    );
    let longest = 0;
    let last = spentMs();
    const interval = setInterval(() => {
      const now = spentMs();
      longest = Math.max(longest, now - last);
      last = now;
    }, 10);
    let left = 100_000;
    for await (const message of subscription) {
      message.ack();
      if (--left === 0) break;
    }
    clearInterval(interval);
    expect(longest).toBeLessThan(50);
  });

  it("are no more than a hundredth of their delay late, or a second, when the clock of the machine is set forward", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const seen = reading(await bus.subscribe("t"));
    await bus.publish("t", [new Message("one", { delayMs: HOUR }), new Message("two", { delayMs: 10 * HOUR })]);
    vi.setSystemTime(START + 2 * HOUR);
    await vi.advanceTimersByTimeAsync(HOUR / 100);
    expect(seen.map((line) => line.split(" ")[0])).toEqual(["one"]);
    vi.setSystemTime(START + 10 * HOUR - 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(HOUR / 10);
    expect(seen).toHaveLength(2);
  });

  it("are confirmed when they are accepted, also where publishers wait for acks and the others of the call are waited for", async () => {
    await using bus = new MemoryPubSub({ blockPublishUntilAck: true, logger: silentLogger });
    const subscription = await bus.subscribe("t", { group: "g" });
    await bus.publish("t", new Message("x", { delayMs: 1000 }));
    let done = false;
    const both = bus.publish("t", [new Message("later", { delayMs: 2000 }), new Message("now")]).then(() => (done = true));
    await vi.advanceTimersByTimeAsync(3000);
    expect(done).toBe(false);
    const seen = reading(subscription);
    await both;
    await calm();
    expect(seen).toEqual(["now 3000", "x 3000", "later 3000"]);
  });

  it("have a bound of their own, sixteen times that of the buffer, and do not use that one up", async () => {
    await using bus = new MemoryPubSub({ bufferSize: 2, logger: silentLogger });
    const seen = reading(await bus.subscribe("t"));
    const later = (count: number): Message[] => Array.from({ length: count }, () => new Message("later", { delayMs: 1000 }));
    await bus.publish("t", later(31));
    await bus.publish("t", new Message("now"));
    await calm();
    expect(seen).toEqual(["now 0"]);
    const refused = { code: "BUFFER_FULL", retryable: true };
    await expect(bus.publish("t", later(3))).rejects.toMatchObject({ ...refused, outcomes: ["confirmed", "rejected", "rejected"] });
    await expect(bus.publish("t", later(1)[0] as Message)).rejects.toMatchObject({ ...refused, outcomes: ["rejected"] });
    await bus.publish("other", later(32));
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen).toHaveLength(33);
    await bus.publish("t", later(1));
  });

  it("are counted when the pub/sub closes before they are due, whose timer goes with it", async () => {
    const logger = new RecordingLogger();
    const bus = new MemoryPubSub({ logger });
    await bus.subscribe("t", { group: "g" });
    await bus.publish("t", [new Message("now"), new Message("1", { delayMs: HOUR }), new Message("2", { delayMs: 2 * HOUR })]);
    await bus.publish("nobody yet", new Message("3", { delayMs: HOUR }));
    await bus.close();
    expect(logger.at("warn").map(({ fields }) => fields)).toEqual([
      { topic: "t", count: 3, delayed: 2, groups: ["g"] },
      { topic: "nobody yet", count: 1, delayed: 1, groups: [] },
    ]);
    await calm();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("are dropped with a warning when nobody is there once they are due", async () => {
    const logger = new RecordingLogger();
    await using bus = new MemoryPubSub({ logger });
    await bus.publish("t", new Message("x", { delayMs: 1000 }));
    expect(logger.lines).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(logger.at("warn")).toMatchObject([{ fields: { topic: "t" }, text: expect.stringContaining("nobody has subscribed") }]);
  });
});

it("delivers a delayed message on the real clock no earlier than it is due, and not much later", async () => {
  vi.useRealTimers();
  await using bus = new MemoryPubSub({ logger: silentLogger });
  const subscription = await bus.subscribe("t");
  const messages = Array.from({ length: 20 }, (_, index) => new Message("x", { delayMs: 100 + index * 7 }));
  await bus.publish("t", messages);
  let left = messages.length;
  for await (const message of subscription) {
    const lateMs = Date.now() - (message.dueAt as Date).getTime();
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThan(1000);
    message.ack();
    if (--left === 0) break;
  }
});

/** Of this thread: what other programs take from the machine is not ours to answer for. */
function spentMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
