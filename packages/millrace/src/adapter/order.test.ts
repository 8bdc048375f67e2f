import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import type { ReceivedMessage } from "../message/index.ts";
import { subscriptionDoor } from "../message/subscription-door.ts";
import { type HandMessage, HandSource, nextOf, readyNow } from "./hand-source.fixture.ts";
import type { Received } from "./received.ts";

const of = (key: string, ...numbers: number[]): HandMessage[] => numbers.map((number) => ({ id: `${key}${number}`, key }));
const ids = (messages: readonly ReceivedMessage[]): string[] => messages.map(({ id }) => id);

async function take(iterator: AsyncIterator<ReceivedMessage>, count: number): Promise<ReceivedMessage[]> {
  const taken: ReceivedMessage[] = [];
  while (taken.length < count) taken.push(await nextOf(iterator));
  return taken;
}

afterEach(() => void vi.useRealTimers());

describe("at one in flight", () => {
  it("hands out a nacked message again before any later one", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe();
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver(...of("a", 1), ...of("b", 1));
    for (const attempt of [1, 2, 3]) {
      const [message] = await take(iterator, 1);
      expect([message?.id, message?.delivery.attempt]).toEqual(["a1", attempt]);
      if (attempt < 3) message?.nack();
      else message?.ack();
    }
    expect(ids(await take(iterator, 1))).toEqual(["b1"]);
    await subscription.flush();
    expect(source.session.told).toEqual(["ack a1"]);
  });
});

describe("above one in flight", () => {
  it("hands out at most one message of a key, the keys beside each other", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 10 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver(...of("a", 1, 2), ...of("b", 1, 2), ...of("c", 1));
    const [a1] = await take(iterator, 3);
    expect(subscription.status()).toMatchObject({ inFlight: 3, held: 2 });
    a1?.ack();
    expect(ids(await take(iterator, 1))).toEqual(["a2"]);
  });

  it("keeps no order among messages without a key, nor with orderBy none", async () => {
    for (const options of [{ maxInFlight: 3 }, { maxInFlight: 3, orderBy: "none" as const }]) {
      const source = new HandSource();
      const iterator = (await source.subscribe(options))[Symbol.asyncIterator]();
      source.session.deliver(...(options.orderBy === "none" ? of("a", 1, 2, 3) : ["x", "y", "z"]));
      expect(await take(iterator, 3)).toHaveLength(3);
    }
  });

  it("orders by the broker's key where it has one, and by orderBy before it", async () => {
    const source = new HandSource();
    const settings = { orderingKey: () => "partition-0" };
    const ordered = (await source.subscribe({ maxInFlight: 3 }, settings))[Symbol.asyncIterator]();
    source.session.deliver(...of("a", 1), ...of("b", 1));
    expect((await nextOf(ordered)).id).toBe("a1");
    expect(await readyNow(ordered)).toBeUndefined();
    const mine = (await source.subscribe({ maxInFlight: 3, orderBy: (m) => m.id.slice(1) }, settings))[Symbol.asyncIterator]();
    source.session.deliver(...of("a", 1, 2), ...of("b", 1));
    expect(ids(await take(mine, 2))).toEqual(["a1", "a2"]);
    expect(await readyNow(mine)).toBeUndefined();
  });

  it("orders by key and says so when orderBy throws: who delivers never hears of it", async () => {
    const logger = new RecordingLogger();
    const source = new HandSource();
    const orderBy = (): string => {
      throw new Error("no tenant");
    };
    const iterator = (await source.subscribe({ maxInFlight: 3, orderBy }, { logger }))[Symbol.asyncIterator]();
    source.session.deliver(...of("a", 1, 2), ...of("b", 1));
    expect(ids(await take(iterator, 2))).toEqual(["a1", "b1"]);
    expect(logger.saying("orderBy failed")).toHaveLength(3);
  });

  it("hands out a failed message again before later ones of its key, and the other keys meanwhile", async () => {
    vi.useFakeTimers();
    const source = new HandSource();
    const iterator = (await source.subscribe({ maxInFlight: 2 }))[Symbol.asyncIterator]();
    source.session.deliver(...of("a", 1, 2), ...of("b", 1, 2, 3));
    const [a1, b1] = await take(iterator, 2);
    a1?.nack({ delayMs: 100 });
    b1?.ack();
    for (const id of ["b2", "b3"]) {
      const [b] = await take(iterator, 1);
      expect(b?.id).toBe(id);
      b?.ack();
    }
    const next = nextOf(iterator);
    await vi.advanceTimersByTimeAsync(100);
    expect([(await next).id, (await next).delivery.attempt]).toEqual(["a1", 2]);
    (await next).ack();
    expect(ids(await take(iterator, 1))).toEqual(["a2"]);
  });

  it("keeps a failed message of a key here, although the broker could take it back", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2 }, { returns: true });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver({ id: "1", key: "k" }, { id: "2", key: "k" });
    (await nextOf(iterator)).nack();
    const again = await nextOf(iterator);
    expect([again.id, again.delivery.attempt]).toEqual(["1", 2]);
    again.ack();
    await subscription.flush();
    expect(source.session.told).toEqual(["ack 1"]);
  });

  it("keeps the order of every key through failures, whatever fails", async () => {
    const plan = fc.array(fc.record({ key: fc.constantFrom("a", "b", "c"), failures: fc.integer({ min: 0, max: 2 }) }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(plan, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }), async (messages, maxInFlight, depth) => {
        const source = new HandSource();
        const options = { maxInFlight, perKey: depth };
        const subscription = await source.subscribe(options);
        const iterator = subscription[Symbol.asyncIterator]();
        source.session.deliver(...messages.map(({ key }, index) => ({ id: String(index), key })));
        const left = messages.map(({ failures }) => failures);
        const acked: number[] = [];
        const inHand: ReceivedMessage[] = [];
        while (acked.length < messages.length) {
          while (inHand.length === 0 || (inHand.length < maxInFlight && subscription.status().held > 0)) {
            const more = inHand.length === 0 ? await nextOf(iterator) : subscriptionDoor(subscription)?.take();
            if (more === undefined) break;
            inHand.push(more);
          }
          const message = inHand.shift() as ReceivedMessage;
          const index = Number(message.id);
          const failed = inHand.filter(({ key }) => key === message.key);
          if ((left[index] as number) > 0) {
            left[index] = (left[index] as number) - 1;
            message.nack();
            // As the router does: later ones of the lane go back uncounted.
            for (const later of failed) {
              inHand.splice(inHand.indexOf(later), 1);
              later.nack({ uncounted: true });
            }
          } else {
            message.ack();
            acked.push(index);
          }
        }
        for (const key of ["a", "b", "c"]) {
          const mine = acked.filter((index) => messages[index]?.key === key || maxInFlight === 1);
          expect(mine).toEqual([...mine].sort((one, other) => one - other));
        }
        await subscription[Symbol.asyncDispose]();
      }),
      { numRuns: 150 },
    );
  });
});

it("gives back in order of arrival what was not handed out, whatever its key", async () => {
  const source = new HandSource();
  const subscription = await source.subscribe({ maxInFlight: 2 });
  source.session.deliver(...of("a", 1, 2), ...of("b", 1));
  subscription.pause();
  expect(ids(source.session.givenBack)).toEqual(["a1", "a2", "b1"]);
});

describe("several messages of one lane in hand", () => {
  it("come in order, and go back in order behind a failed one, uncounted", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 4, perKey: 3 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver(...of("a", 1, 2, 3, 4));
    const [one, two, three] = await take(iterator, 3);
    one?.ack();
    two?.nack();
    expect(await readyNow(iterator)).toBeUndefined(); // not before the third is back, too
    three?.nack({ uncounted: true });
    const again = await take(subscription[Symbol.asyncIterator](), 3);
    expect(again.map(({ id, delivery }) => [id, delivery.attempt])).toEqual([
      ["a2", 2],
      ["a3", 1],
      ["a4", 1],
    ]);
  });

  for (const [way, again] of [
    ["as the same object", true],
    ["as a new one, having waited for the others before", false],
  ] as const) {
    it(`keep their order when one of them is given back and comes again ${way}`, async () => {
      const source = new HandSource();
      const subscription = await source.subscribe({ maxInFlight: 2, perKey: 2 });
      const iterator = subscription[Symbol.asyncIterator]();
      source.session.deliver(...of("a", 1, 2));
      const [one, two] = await take(iterator, 2);
      if (!again) one?.nack({ uncounted: true });
      subscription.pause();
      if (again) one?.nack({ uncounted: true });
      subscription.resume();
      if (again) source.session.intake.deliver(source.session.givenBack[0] as Received<string>);
      else source.session.deliver(...of("a", 1));
      two?.nack();
      const [first] = await take(iterator, 1);
      first?.ack();
      expect([first?.id, ...ids(await take(iterator, 1))]).toEqual(["a1", "a2"]);
    });
  }
});

describe("one failing key among a thousand", () => {
  it("costs the others nothing", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 4 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver(...Array.from({ length: 1000 }, (_, index) => ({ id: `m${index}`, key: `k${index % 100}` })));
    const handled: string[] = [];
    while (handled.length < 990) {
      const message = await nextOf(iterator);
      if (message.key === "k7") message.nack({ delayMs: 60_000 });
      else handled.push(message.id) && message.ack();
    }
    expect(handled.some((id) => id.endsWith("07"))).toBe(false);
    expect(subscription.status()).toMatchObject({ state: "running", inFlight: 0, held: 10 });
    await subscription[Symbol.asyncDispose]();
  });

  it("blocks the subscription at parkLimit, and health names the key", async () => {
    vi.useFakeTimers();
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2 }, { parkLimit: 5 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver(...of("hot", 1, 2, 3, 4, 5), ...of("cold", 1));
    const [hot, cold] = await take(iterator, 2);
    hot?.nack({ delayMs: 1000 });
    cold?.ack();
    expect(subscription.status()).toMatchObject({ state: "blocked", detail: expect.stringContaining('"hot"'), inFlight: 0, held: 5 });
    expect(source.session.wanted).toBe(0);
    const next = nextOf(iterator);
    await vi.advanceTimersByTimeAsync(1000);
    (await next).ack();
    expect(source.session.wanted).toBeGreaterThan(0);
    (await nextOf(iterator)).ack();
    expect(subscription.status()).toMatchObject({ state: "running", held: 3 });
  });

  for (const maxInFlight of [1, 2]) {
    it(`blocks at parkLimit counting what comes behind the failed one (${maxInFlight} in flight)`, async () => {
      vi.useFakeTimers();
      const source = new HandSource();
      const subscription = await source.subscribe({ maxInFlight }, { parkLimit: 3 });
      const iterator = subscription[Symbol.asyncIterator]();
      source.session.deliver(...of("hot", 1));
      (await nextOf(iterator)).nack({ delayMs: 1000 });
      source.session.deliver(...of("hot", 2));
      expect(subscription.status().state).toBe("running");
      source.session.deliver(...of("hot", 3));
      await vi.advanceTimersByTimeAsync(0);
      expect(subscription.status()).toMatchObject({ state: "blocked", detail: expect.stringContaining("3 messages failed") });
      const next = nextOf(iterator);
      await vi.advanceTimersByTimeAsync(1000);
      (await next).ack();
      (await nextOf(iterator)).ack();
      expect(subscription.status().state).toBe("running");
    });
  }

  it("blocks at parkBytes as well", async () => {
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2 }, { parkBytes: 100 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver({ id: "hot1", key: "hot", payload: "x".repeat(150) });
    (await nextOf(iterator)).nack({ delayMs: 60_000 });
    expect(subscription.status()).toMatchObject({ state: "blocked", detail: expect.stringContaining('"hot"') });
    await subscription[Symbol.asyncDispose]();
  });

  it("parks what failed without a key, too, and lets the others pass", async () => {
    vi.useFakeTimers();
    const source = new HandSource();
    const subscription = await source.subscribe({ maxInFlight: 2 });
    const iterator = subscription[Symbol.asyncIterator]();
    source.session.deliver("x", "y");
    const [x, y] = await take(iterator, 2);
    x?.nack({ delayMs: 50 });
    y?.ack();
    source.session.deliver("z");
    expect(ids(await take(iterator, 1))).toEqual(["z"]);
    const next = nextOf(iterator);
    await vi.advanceTimersByTimeAsync(50);
    expect([(await next).id, (await next).delivery.attempt]).toEqual(["x", 2]);
  });
});
