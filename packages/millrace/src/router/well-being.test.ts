import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type Subscriber } from "../message/index.ts";
import { STRIPPED } from "../message/stripped.fixture.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { Router } from "./index.ts";
import { HandPublisher, HandSubscriber, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };
const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A subscriber whose subscriptions take their time. */
function _slowSubscriber(inner: Subscriber, ms: number): Subscriber {
  return {
    subscribe: async (topic, options) => {
      await turn(ms);
      return await inner.subscribe(topic, { ...options, signal: undefined });
    },
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

const _hangingSubscriber: Subscriber = {
  subscribe: () => new Promise(() => {}),
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

describe("health", () => {
  it("is not failing any more when another member took the failed message, after a minute", async () => {
    using clock = new VirtualClock().install();
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: { ...quick, attempts: 1 } });
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: () => {
        throw new Error("boom");
      },
    });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver({ id: "", place: null, payload: "1" }); // nothing to recognise it by
    await clock.advance(5);
    expect(rig.router.health().handlers.a).toMatchObject({ state: "failing" });
    session.intake.lose();
    await clock.advance(70_000);
    expect(rig.router.health().handlers.a).toMatchObject({ state: "running", attempts: 0 });
  });

  it("tells the last error from the first failure on, and counts what happened", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: { ...quick, attempts: 2, deadLetter: { publisher: letters, topic: "dead" } } });
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (message) => {
        if (message.text() === "bad") throw new Error("boom");
      },
    });
    await rig.router.start();
    await rig.send("t", "good", "bad");
    await until(() => rig.router.health().handlers.a?.lastError !== undefined, "the error");
    expect(rig.router.health().handlers.a?.lastError?.message).toBe("boom");
    await rig.router.idle();
    expect(rig.router.health().handlers.a?.counts).toEqual({
      handled: 1,
      failed: 2,
      retried: 1,
      deadLettered: 1,
      undecodable: 0,
      abandoned: 0,
      reconnected: 0,
    });
  });

  it("is not failing for ever after a message that failed once, and was then acked by a handler that threw", async () => {
    await using rig = new Rig({ failure: { ...quick, attempts: 1 } });
    let calls = 0;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (message) => {
        if (++calls === 2) message.ack();
        throw new Error("boom");
      },
    });
    await rig.router.start();
    await rig.send("t", "1");
    await until(() => calls === 2, "the second call");
    await rig.router.idle();
    expect(rig.router.health().handlers.a).toMatchObject({ state: "running", attempts: 0 });
  });

  it("says blocked, with the key, when a slow key leaves nothing for the others", async () => {
    await using rig = new Rig();
    await rig.bus.provision("t", { group: "a" });
    const gates: Deferred<void>[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      concurrency: 16,
      handle: () => {
        const gate = deferred<void>();
        gates.push(gate);
        return gate.promise;
      },
    });
    await rig.send("t", ...Array.from({ length: 3000 }, (_, n) => ["hot", String(n)] as const), ["cold", "x"]);
    await rig.router.start();
    await until(() => rig.router.health().handlers.a?.state === "blocked", "health to say so");
    expect(rig.router.health().handlers.a?.detail).toContain('"hot"');
    await rig.router[Symbol.asyncDispose]();
    for (const gate of gates) gate.resolve();
  });
});

describe("a logger that throws", () => {
  it("stops no message and does not end the process", async () => {
    const angry = () => {
      throw new Error("disk full");
    };
    const logger = { trace: angry, debug: angry, info: angry, warn: angry, error: angry };
    await using bus = new MemoryPubSub({ logger });
    const router = new Router({ subscriber: bus, logger, failure: { ...quick, attempts: 2 } });
    let calls = 0;
    router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: () => {
        if (++calls < 4) throw new MillraceError("boom", { code: "BOOM" });
      },
    });
    await router.start();
    await bus.publish("t", new Message("1"));
    await router.idle();
    expect(calls).toBe(4);
    await router.close();
  });
});

it("a subscription that cannot be read is taken up again, and health names what was wrong with it", async () => {
  await using rig = new Rig();
  let broken = true;
  rig.router.addSubscriberDecorators((inner) => ({
    subscribe: async (topic, options) => {
      const subscription = await inner.subscribe(topic, options);
      if (!broken) return subscription;
      broken = false;
      const iterator = (): never => {
        throw new Error("no cursor");
      };
      return Object.defineProperty(subscription, Symbol.asyncIterator, { value: iterator });
    },
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  }));
  const seen: string[] = [];
  rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: (m) => void seen.push(m.text()) });
  await rig.bus.provision("t", { group: "a" });
  await rig.router.start();
  await until(() => rig.router.health().handlers.a?.state === "reconnecting", "the break");
  expect(rig.router.health().handlers.a?.lastError).toMatchObject({ message: "no cursor" });
  await rig.send("t", "1");
  await until(() => seen.length === 1, "a message");
});

it("a handler's counts go on when its subscription is taken up again", async (context) => {
  if (STRIPPED) return context.skip("a foreign subscriber does not tell that it was undecodable or has reconnected");
  const subscriber = new HandSubscriber();
  await using rig = new Rig({ subscriber });
  rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
  await rig.router.start();
  for (const breaks of [1, 2]) {
    await subscriber.source.session.intake.undecodable({ payload: new Uint8Array(1), position: "7", error: new Error("no JSON") });
    subscriber.source.session.intake.fail(new Error("cut"));
    await until(() => rig.router.health().handlers.a?.counts.reconnected === 2 * breaks - 1, "the subscription to heal by itself");
    subscriber.source.openErrors.push(new MillraceError("gone", { code: "GONE" }));
    subscriber.source.session.intake.fail(new Error("cut"));
    await until(() => rig.router.health().handlers.a?.counts.reconnected === 2 * breaks, "another subscription");
    expect(rig.router.health().handlers.a?.counts.undecodable).toBe(breaks);
  }
});
