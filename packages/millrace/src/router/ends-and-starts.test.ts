import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AdapterSubscription } from "../adapter/index.ts";
import { MillraceError } from "../errors/index.ts";
import { Message, type SubscribeOptions, type Subscriber } from "../message/index.ts";
import { HandPublisher, HandSubscriber, Rig, until } from "./rig.fixture.ts";

const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A subscriber that does what the test says, and nothing more. */
function subscriberOf(subscribe: Subscriber["subscribe"]): Subscriber {
  return { subscribe, close: async () => {}, [Symbol.asyncDispose]: async () => {} };
}

describe("a handler added to a router", () => {
  it("starts, at whatever turn of the router's start it is added", async () => {
    for (let turns = 0; turns < 60; turns++) {
      await using rig = new Rig();
      rig.router.addConsumerHandler({ name: "first", subscribe: "t", handle: () => {} });
      const starting = rig.router.start();
      for (let n = 0; n < turns; n++) await undefined;
      const seen: string[] = [];
      const late = rig.router.addConsumerHandler({ name: "late", subscribe: "t", handle: (message) => void seen.push(message.text()) });
      await starting;
      await late.started;
      await rig.send("t", "1");
      await rig.router.idle();
      expect([turns, seen]).toEqual([turns, ["1"]]);
    }
  });

  it("starts with the next start, when a close cuts off its start in a running router", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig();
    await rig.router.start();
    const slow = async (topic: string, options?: SubscribeOptions): ReturnType<Subscriber["subscribe"]> => {
      await turn(10);
      return await subscriber.subscribe(topic, options);
    };
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber: subscriberOf(slow), topic: "t" }, handle: () => {} });
    await rig.router.close();
    await turn();
    await rig.router.start();
    await handle.started;
    expect(rig.router.health().handlers.a?.state).toBe("running");
    expect(rig.logger.saying("could not start")).toEqual([]);
  });
});

describe("a handler stopped while it subscribes", () => {
  it("leaves no subscription of a foreign subscriber open, whatever the turn", async () => {
    for (let turns = 0; turns < 60; turns++) {
      const inner = new HandSubscriber();
      const open = new Set<unknown>();
      const foreign = subscriberOf(async (topic, { signal: _signal, ...options } = {}) => {
        const subscription = await inner.subscribe(topic, options);
        open.add(subscription);
        void subscription.closed.then(() => open.delete(subscription));
        return subscription;
      });
      await using rig = new Rig({ subscriber: foreign });
      const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
      const starting = rig.router.start();
      for (let n = 0; n < turns; n++) await undefined;
      await handle.stop();
      await starting;
      await turn(1);
      expect([turns, open.size]).toEqual([turns, 0]);
    }
  });
});

describe("an input that ends by itself", () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);

  beforeEach(() => {
    unhandled.length = 0;
    process.on("unhandledRejection", note);
  });

  afterEach(() => {
    process.off("unhandledRejection", note);
  });

  it("brings nobody down when its last verdicts are not durable: the router closes, and logs it", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await rig.router.start();
    const { session } = subscriber.source;
    session.onSettle = () => {
      throw new Error("refused");
    };
    session.deliver("1");
    await until(() => rig.router.health().handlers.a?.counts.handled === 1, "the message");
    subscriber.subscribe = async () => {
      throw new MillraceError("the subscriber is closed", { code: "CLOSED" });
    };
    await expect(subscriber.subscriptions[0]?.drain({ timeoutMs: 10 })).rejects.toMatchObject({ code: "SETTLE_FAILED" });
    await rig.router.closed;
    await turn();
    expect(unhandled).toEqual([]);
    expect(rig.logger.saying("could not be ended properly")).toHaveLength(1);
  });

  it("lets calls go on that gave their verdict early, and waits for their results", async () => {
    const subscriber = new HandSubscriber();
    const publisher = new HandPublisher();
    await using rig = new Rig({ subscriber });
    let signal: AbortSignal | undefined;
    let aborted: boolean | undefined;
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      concurrency: 2,
      publish: { publisher, topic: "o" },
      handle: async (message) => {
        message.ack();
        ({ signal } = message);
        await turn(30);
        aborted = signal.aborted;
        return new Message("out");
      },
    });
    await rig.router.start();
    subscriber.source.session.deliver("1");
    await until(() => signal !== undefined, "the call");
    await (subscriber.subscriptions[0] as AdapterSubscription).finish();
    await rig.router.closed;
    expect([aborted, publisher.texts]).toEqual([false, ["out"]]);
  });
});

describe("a publisher that throws at once", () => {
  it("is told to those who observe, and the results for other topics are waited for", async () => {
    const publisher = new HandPublisher();
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: { minDelayMs: 0, maxDelayMs: 1 } });
    let under = 0;
    let most = 0;
    publisher.publish = (topic) => {
      if (topic === "p") throw new Error("not now");
      most = Math.max(most, ++under);
      return turn(20).then(() => void under--);
    };
    const told: unknown[] = [];
    rig.router.observe({ published: ({ topic, error }) => void told.push([topic, error !== undefined]) });
    let calls = 0;
    const handle = (): Message[] => (++calls > 3 ? [] : [new Message("1", { topic: "o" }), new Message("2", { topic: "p" })]);
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: ["o", "p"] }, handle });
    await rig.router.start();
    subscriber.source.session.deliver("m");
    await until(() => calls === 4, "the last call");
    expect(most).toBe(1);
    expect(told.filter((one) => JSON.stringify(one) === '["p",true]')).toHaveLength(3);
  });
});
