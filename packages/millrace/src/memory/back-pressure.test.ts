import { describe, expect, it } from "vitest";
import { PublishError } from "../errors/index.ts";
import { silentLogger } from "../logger/index.ts";
import { Message } from "../message/index.ts";
import { texts } from "./collect.fixture.ts";
import { MemoryPubSub } from "./index.ts";

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index)));

async function pending(promise: Promise<unknown>, ms = 20): Promise<boolean> {
  const none = Symbol("none");
  return (await Promise.race([promise.then(() => undefined), new Promise((resolve) => setTimeout(() => resolve(none), ms))])) === none;
}

describe("a full topic", () => {
  it("makes publishers wait for room, first come first served, while other topics go on", async () => {
    await using bus = new MemoryPubSub({ bufferSize: 4, logger: silentLogger });
    const full = await bus.subscribe("full");
    const free = await bus.subscribe("free");
    await bus.publish("full", numbered(4));
    const waiting = [bus.publish("full", new Message("4")), bus.publish("full", [new Message("5"), new Message("6")])];
    expect(await pending(Promise.race(waiting))).toBe(true);
    await bus.publish("free", new Message("x"));
    expect(await texts(free, 1)).toEqual(["x"]);
    expect(await texts(full, 7)).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
    await Promise.all(waiting);
  });

  it("makes a batch that is larger than the buffer wait as well", async () => {
    await using bus = new MemoryPubSub({ bufferSize: 8, logger: silentLogger });
    const subscription = await bus.subscribe("t");
    const publishing = bus.publish("t", numbered(20));
    expect(subscription.status().lag).toBeLessThanOrEqual(8);
    expect(await pending(publishing)).toBe(true);
    expect(await texts(subscription, 20)).toEqual(Array.from({ length: 20 }, (_, index) => String(index)));
    await publishing;
  });

  it.each([
    { verdicts: "acks", attempts: 1 },
    { verdicts: "nacks", attempts: 6 },
  ])("never holds more than the buffer for a slow reader that goes on giving verdicts: $verdicts", async ({ attempts }) => {
    await using bus = new MemoryPubSub({ bufferSize: 4, logger: silentLogger });
    const subscription = await bus.subscribe("t");
    let most = 0;
    const reading = (async () => {
      let seen = 0;
      for await (const message of subscription) {
        most = Math.max(most, subscription.status().lag ?? 0);
        await new Promise((resolve) => setTimeout(resolve, 15));
        if (message.delivery.attempt < attempts) message.nack();
        else message.ack();
        if (message.delivery.attempt === attempts && ++seen === 8) break;
      }
    })();
    await Promise.all(numbered(8).map((message) => bus.publish("t", message)));
    await reading;
    expect(most).toBeLessThanOrEqual(4);
  });

  it("lets a publish over the mark when no verdict came for 50 ms, and health shows it until there is room again", async () => {
    await using bus = new MemoryPubSub({ bufferSize: 2, logger: silentLogger });
    const subscription = await bus.subscribe("t");
    await bus.publish("t", numbered(2));
    const began = performance.now();
    await bus.publish("t", new Message("2"));
    expect(performance.now() - began).toBeGreaterThanOrEqual(45);
    expect(subscription.status()).toMatchObject({ state: "blocked", detail: expect.stringContaining("bound of 2") });
    expect(await texts(subscription, 3)).toEqual(["0", "1", "2"]);
    expect(subscription.status().state).toBe("running");
  });

  it("never locks up a reader that publishes to its own full topic", async () => {
    await using bus = new MemoryPubSub({ bufferSize: 1, logger: silentLogger });
    const subscription = await bus.subscribe("t");
    await bus.publish("t", new Message("5"));
    const seen: number[] = [];
    for await (const message of subscription) {
      const left = Number(message.text());
      seen.push(left);
      if (left > 0) await bus.publish("t", new Message(String(left - 1)));
      message.ack();
      if (left === 0) break;
    }
    expect(seen).toEqual([5, 4, 3, 2, 1, 0]);
  });

  it("refuses at sixteen times its bound, and says what became of each message", async () => {
    await using bus = new MemoryPubSub({ bufferSize: 2, logger: silentLogger });
    await bus.provision("t", { group: "g" });
    await bus.publish("t", numbered(30));
    const error = await bus.publish("t", numbered(4)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PublishError);
    expect(error).toMatchObject({ code: "BUFFER_FULL", retryable: true, outcomes: ["confirmed", "confirmed", "rejected", "rejected"] });
    expect(await texts(await bus.subscribe("t", { group: "g" }), 32)).toHaveLength(32);
  });

  it("frees a waiting publisher when the reader that held things up leaves", async () => {
    await using bus = new MemoryPubSub({ bufferSize: 1, logger: silentLogger });
    const subscription = await bus.subscribe("t");
    await bus.publish("t", new Message("0"));
    const waiting = bus.publish("t", new Message("1"));
    await subscription[Symbol.asyncDispose]();
    expect(await pending(waiting, 10)).toBe(false);
  });
});

describe("a waiting publish", () => {
  it("rejects when it is aborted, naming what was confirmed, and the next one takes its turn", async () => {
    await using bus = new MemoryPubSub({ bufferSize: 2, logger: silentLogger });
    const subscription = await bus.subscribe("t");
    await bus.publish("t", new Message("0"));
    const controller = new AbortController();
    const aborted = bus.publish("t", [new Message("1"), new Message("never")], { signal: controller.signal });
    const next = bus.publish("t", new Message("2"));
    controller.abort(new Error("enough"));
    await expect(aborted).rejects.toMatchObject({
      code: "PUBLISH_ABORTED",
      retryable: true,
      outcomes: ["confirmed", "rejected"],
      cause: controller.signal.reason,
    });
    expect(await texts(subscription, 3)).toEqual(["0", "1", "2"]);
    await next;
  });

  it("rejects when the pub/sub closes", async () => {
    const bus = new MemoryPubSub({ bufferSize: 1, logger: silentLogger });
    await bus.subscribe("t");
    await bus.publish("t", new Message("0"));
    const waiting = bus.publish("t", new Message("1"));
    const refused = expect(waiting).rejects.toMatchObject({ code: "CLOSED", retryable: false, outcomes: ["rejected"] });
    await bus.close();
    await refused;
  });

  it("is refused before anything is sent when its signal has aborted", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const subscription = await bus.subscribe("t");
    const refused = bus.publish("t", numbered(2), { signal: AbortSignal.abort() });
    await expect(refused).rejects.toMatchObject({ code: "PUBLISH_ABORTED", outcomes: ["rejected", "rejected"] });
    await bus.publish("t", new Message("x"));
    expect(await texts(subscription, 1)).toEqual(["x"]);
  });
});

it("lets a 10 ms interval run on time while 300,000 messages flow through a synchronous reader", async () => {
  await using bus = new MemoryPubSub({ logger: silentLogger });
  const subscription = await bus.subscribe("t");
  // Counted in the time of this thread: what other programs take from the machine is not ours to answer for.
  const spentMs = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let last = spentMs();
  let longest = 0;
  let ticks = 0;
  const interval = setInterval(() => {
    const now = spentMs();
    longest = Math.max(longest, now - last);
    last = now;
    ticks++;
  }, 10);
  const reading = (async () => {
    let left = 300_000;
    for await (const message of subscription) {
      message.ack();
      if (--left === 0) break;
    }
  })();
  const message = new Message("x");
  for (let sent = 0; sent < 300_000; sent++) await bus.publish("t", message);
  await reading;
  clearInterval(interval);
  expect(ticks).toBeGreaterThan(5);
  expect(longest).toBeLessThan(50);
});
