import { afterEach, describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { sleep } from "../internal/timers.ts";
import { silentLogger } from "../logger/index.ts";
import { type Handler, Message, type Middleware, type ReceivedMessage } from "../message/index.ts";
import { STRIPPED, stripped } from "../message/stripped.fixture.ts";
import { Router, type RouterOptions } from "../router/index.ts";
import { HandSubscriber, Rig, until } from "../router/rig.fixture.ts";
import { type Harness, harness } from "../testing/index.ts";
import { circuitBreaker, deduplicator, delayOnError, ignoreErrors, poisonQueue, retry, throttle, timeout } from "./index.ts";

let open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.reverse()) await one[Symbol.asyncDispose]();
  open = [];
});

/** A router on a harness whose clock stands still. */
function setUp(options: RouterOptions = {}): { readonly app: Harness; readonly router: Router } {
  const app = harness();
  const subscriber = STRIPPED ? stripped(app.pubsub) : app.pubsub;
  const router = new Router({ subscriber, publisher: app.pubsub, logger: silentLogger, ...options });
  open.push(app, { [Symbol.asyncDispose]: () => app.run(router.close({ timeoutMs: 0 })) });
  return { app, router };
}

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index), { id: `m-${index}` }));

describe("a deduplicator in a router", () => {
  it("hands a message in again that its handler nacked before it returned", async () => {
    const { app, router } = setUp();
    const attempts: number[] = [];
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      middleware: [deduplicator()],
      handle: (message) => {
        if (attempts.push(message.delivery.attempt) === 1) message.nack({ delayMs: 10 });
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", new Message("x"));
    await app.settled();
    expect(attempts).toEqual([1, 2]);
  });

  it("hands a message in again whose results could not be published, though it comes back at once; its duplicates wait", async () => {
    for (const pipeline of [0, 3]) {
      for (const concurrency of [1, 4]) {
        const { app, router } = setUp({ failure: { minDelayMs: 0, maxDelayMs: 0 } });
        const ids: string[] = [];
        router.addHandler({
          name: "h",
          subscribe: "t",
          publish: "out",
          concurrency,
          pipeline,
          middleware: [deduplicator()],
          handle: (message) => {
            ids.push(message.id);
            return new Message(`out ${message.id}`, { id: message.id });
          },
        });
        app.faults.failPublish({ topic: "out", times: 3 });
        await app.run(router.start());
        await app.pubsub.publish("t", [new Message("x", { id: "a" }), new Message("y", { id: "b" }), new Message("x", { id: "a" })]);
        await app.settled();
        const out = app.published("out").map(({ message }) => message.id);
        expect(out.toSorted()).toEqual(["a", "b"]);
        expect(ids.length).toBeGreaterThanOrEqual(5);
        await app.run(router.close());
        await app[Symbol.asyncDispose]();
        open = [];
      }
    }
  });

  it("handles every message without an id", async () => {
    const { app, router } = setUp();
    const texts: string[] = [];
    router.addConsumerHandler({ name: "h", subscribe: "t", middleware: [deduplicator()], handle: (message) => void texts.push(message.text()) });
    await app.run(router.start());
    await app.pubsub.publish("t", [new Message("1", { id: "" }), new Message("2", { id: "" }), new Message("3", { id: "" })]);
    await app.settled();
    expect(texts).toEqual(["1", "2", "3"]);
  });

  it("works for each message of a batch, in which one fails and one comes twice", async () => {
    const { app, router } = setUp({ failure: { minDelayMs: 0, maxDelayMs: 0 } });
    const batches: string[][] = [];
    router.addBatchHandler({
      name: "h",
      subscribe: "t",
      size: 4,
      maxWaitMs: 20,
      middleware: [deduplicator()],
      handle: (messages, batch) => {
        batches.push(messages.map(({ id }) => id));
        if (batches.length === 1) batch.fail(messages[0] as ReceivedMessage, new Error("not yet"));
      },
    });
    await app.run(router.start());
    await app.pubsub.publish(
      "t",
      ["a", "b", "a", "c"].map((id) => new Message(id, { id })),
    );
    await app.settled();
    expect(batches.flat().toSorted()).toEqual(["a", "a", "b", "c"]);
  });

  it("hands a message in again after a stop that its handler outlived, whatever that handler does then", async () => {
    const { app, router } = setUp();
    const gate = deferred<void>();
    const attempts: number[] = [];
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      abandonAfterMs: 50,
      middleware: [deduplicator()],
      handle: async (message) => {
        if (attempts.push(message.delivery.attempt) > 1) return;
        await gate.promise;
        message.nack();
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", new Message("x"));
    await app.advance(1);
    await app.run(router.close({ timeoutMs: 10 }));
    await app.run(router.start());
    await app.advance(20);
    gate.resolve();
    await app.settled();
    expect(attempts).toHaveLength(2);
  });

  it("serves two handlers of one topic with one instance", async () => {
    const { app, router } = setUp();
    const seen: string[] = [];
    router.addMiddleware(deduplicator());
    for (const name of ["one", "two"]) router.addConsumerHandler({ name, subscribe: "t", handle: (message) => void seen.push(`${name} ${message.id}`) });
    await app.run(router.start());
    await app.pubsub.publish("t", [...numbered(2), ...numbered(2)]);
    await app.settled();
    expect(seen.toSorted()).toEqual(["one m-0", "one m-1", "two m-0", "two m-1"]);
  });
});

describe("a circuit breaker in a router", () => {
  it("costs no message an attempt while it is open or tries: an outage dead-letters none", async () => {
    const { app, router } = setUp({ failure: { attempts: 5, minDelayMs: 10, maxDelayMs: 50, deadLetter: undefined } });
    const calls = new Map<string, number>();
    const wrongCounts: string[] = [];
    const done: string[] = [];
    const up = app.now.getTime() + 3_000;
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      concurrency: 8,
      failure: { deadLetter: { publisher: app.pubsub, topic: "dead" } },
      middleware: [circuitBreaker({ timeoutMs: 1_000 })],
      handle: async (message) => {
        const call = (calls.get(message.id) ?? 0) + 1;
        calls.set(message.id, call);
        if (message.delivery.attempt !== call) wrongCounts.push(`${message.id}: call ${call} is attempt ${message.delivery.attempt}`);
        await sleep(1);
        if (app.now.getTime() < up) throw new Error("down");
        done.push(message.id);
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", numbered(40));
    await app.settled();
    expect(app.published("dead")).toEqual([]);
    expect(done.toSorted()).toEqual(
      numbered(40)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect(wrongCounts).toEqual([]);
    expect(app.now.getTime() - up).toBeLessThan(2_000);
  });

  it("is asked again by the messages it turned away one after the other, not by all at once, and none is in a loop meanwhile", async () => {
    const { app, router } = setUp();
    const arrivals = new Map<number, number>();
    const began = app.now.getTime();
    let up = false;
    let handled = 0;
    const counts: Middleware = (next) => (message) => {
      const at = app.now.getTime() - began;
      arrivals.set(at, (arrivals.get(at) ?? 0) + 1);
      return next(message);
    };
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      concurrency: 20,
      orderBy: "none",
      middleware: [counts, circuitBreaker({ timeoutMs: 1_000, readyToTrip: () => true })],
      handle: () => {
        if (!up) throw new Error("down");
        handled++;
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", numbered(500));
    await app.advance(500);
    up = true;
    expect([...arrivals.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(501);
    await app.settled();
    expect(handled).toBe(500);
    const later = [...arrivals].filter(([at]) => at >= 1_000);
    expect(Math.max(...later.map(([, count]) => count))).toBeLessThanOrEqual(3);
  });

  it("is not opened by six lost deliveries", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: { minDelayMs: 0, maxDelayMs: 1 } });
    let calls = 0;
    const handled: string[] = [];
    rig.router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      middleware: [circuitBreaker()],
      handle: async (message) => {
        calls++;
        if (message.id === "last") return void handled.push(message.id);
        await new Promise((_resolve, reject) => message.signal.addEventListener("abort", () => reject(message.signal.reason)));
      },
    });
    await rig.router.start();
    const { session } = subscriber.source;
    for (let count = 1; count <= 6; count++) {
      session.deliver(`m-${count}`);
      await until(() => calls === count, `call ${count}`);
      session.intake.lose();
    }
    session.deliver("last");
    await until(() => handled.length === 1, "the next message");
  });
});

describe("a message that only waits", () => {
  const failing: Handler = () => {
    throw new Error("boom");
  };

  it("for the backoff of a retry, is handed back uncounted when the router closes, at once, and no hook hears of it", async () => {
    const { app, router } = setUp();
    const told: number[] = [];
    const attempts: number[] = [];
    const hooks = { shouldRetry: ({ attempt }: { attempt: number }) => told.push(attempt) > 0 };
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      middleware: [retry({ minDelayMs: 20_000, ...hooks })],
      handle: (message) => {
        if (attempts.push(message.delivery.attempt) === 1) throw new Error("boom");
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", new Message("x"));
    await app.advance(5);
    const before = app.now.getTime();
    await app.run(router.close());
    expect(app.now.getTime() - before).toBeLessThan(100);
    await app.run(router.start());
    await app.settled();
    expect([attempts, told]).toEqual([[1, 1], [1]]);
  });

  it("for the turn of a throttle, is handed back uncounted when the router closes, at once", async () => {
    const { app, router } = setUp();
    const attempts: string[] = [];
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      concurrency: 4,
      middleware: [throttle({ count: 1, intervalMs: 20_000 })],
      handle: (message) => void attempts.push(`${message.id} ${message.delivery.attempt}`),
    });
    await app.run(router.start());
    await app.pubsub.publish("t", numbered(3));
    await app.advance(5);
    const before = app.now.getTime();
    await app.run(router.close());
    expect(app.now.getTime() - before).toBeLessThan(100);
    expect(attempts).toHaveLength(1);
    await app.run(router.start());
    await app.settled();
    expect(attempts).toEqual(["m-0 1", "m-1 1", "m-2 1"]);
  });

  it("for its batch, or for a turn further in, is not given up by a timeout", async () => {
    const { app, router } = setUp();
    const attempts: number[] = [];
    router.addBatchHandler({
      name: "batch",
      subscribe: "t",
      size: 10,
      maxWaitMs: 60,
      middleware: [timeout(50)],
      handle: async (messages) => {
        for (const { delivery } of messages) attempts.push(delivery.attempt);
        await sleep(40);
      },
    });
    router.addConsumerHandler({
      name: "throttled",
      subscribe: "t",
      concurrency: 4,
      middleware: [timeout(50), throttle({ count: 1, intervalMs: 70 })],
      handle: async ({ delivery }) => {
        attempts.push(delivery.attempt);
        await sleep(40);
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", numbered(4));
    await app.settled();
    expect(attempts).toEqual(Array(8).fill(1));
  });

  it("waits no less than the error asks for, in place or with the router", async () => {
    for (const middleware of [retry({ minDelayMs: 1 }), retry({ minDelayMs: 1, maxDelayMs: 10 }), delayOnError({ minDelayMs: 1 })]) {
      const { app, router } = setUp({ failure: { minDelayMs: 1, maxDelayMs: 2 } });
      const at: number[] = [];
      router.addConsumerHandler({
        name: "h",
        subscribe: "t",
        middleware: [middleware],
        handle: () => {
          if (at.push(app.now.getTime()) === 1) throw Object.assign(new Error("too many requests"), { retryAfterMs: 700 });
        },
      });
      await app.run(router.start());
      await app.pubsub.publish("t", new Message("x"));
      await app.settled();
      const [first = 0, second = 0] = at;
      expect(second - first).toBeGreaterThanOrEqual(700);
      expect(second - first).toBeLessThan(720);
      await app.run(router.close());
      await app[Symbol.asyncDispose]();
      open = [];
    }
  });

  it("for its next delivery, waits for what delayOnError asks", async () => {
    const { app, router } = setUp({ failure: { minDelayMs: 1, maxDelayMs: 2 } });
    const at: number[] = [];
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      middleware: [delayOnError({ minDelayMs: 100, multiplier: 3 })],
      handle: (message) => {
        if (at.push(app.now.getTime()) < 3) return failing(message) as undefined;
        return undefined;
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", new Message("x"));
    await app.settled();
    const [first = 0, second = 0, third = 0] = at;
    expect(second - first).toBeGreaterThanOrEqual(100);
    expect(third - second).toBeGreaterThanOrEqual(300);
    expect(third - first).toBeLessThan(420);
  });
});

describe("what stands outside a timeout", () => {
  const outside: Readonly<Record<string, (app: Harness) => Middleware>> = {
    retry: () => retry({ maxRetries: 2, minDelayMs: 1 }),
    poisonQueue: (app) => poisonQueue({ publisher: app.pubsub, topic: "poison" }),
    ignoreErrors: () => ignoreErrors("HANDLER_TIMEOUT"),
    deduplicator: () => deduplicator(),
    circuitBreaker: () => circuitBreaker(),
    delayOnError: () => delayOnError({ minDelayMs: 1 }),
  };

  for (const [name, make] of Object.entries(outside)) {
    it(`never has two calls of a key at once, though the handler outlives its time: ${name}`, async () => {
      const { app, router } = setUp({ failure: { minDelayMs: 1, maxDelayMs: 2, attempts: 3, deadLetter: undefined } });
      let running = 0;
      let most = 0;
      let calls = 0;
      router.addConsumerHandler({
        name: "h",
        subscribe: "t",
        failure: { deadLetter: { publisher: app.pubsub, topic: "dead" } },
        middleware: [make(app), timeout(20)],
        handle: async () => {
          calls++;
          running++;
          most = Math.max(most, running);
          await sleep(calls === 1 ? 200 : 5);
          running--;
          if (calls === 1) throw new Error("late, and nobody listens");
        },
      });
      await app.run(router.start());
      await app.pubsub.publish("t", numbered(3));
      await app.settled();
      expect([most, running]).toEqual([1, 0]);
      expect(calls).toBe(["poisonQueue", "ignoreErrors"].includes(name) ? 3 : 4);
    });
  }
});

describe("a logger or hook that throws", () => {
  it("stops no message, in whatever middleware", async () => {
    const throws = (): never => {
      throw new MillraceError("broken", { code: "BROKEN" });
    };
    const logger = { trace: throws, debug: throws, info: throws, warn: throws, error: throws };
    const { app, router } = setUp({ failure: { minDelayMs: 1, maxDelayMs: 1 } });
    let calls = 0;
    router.addConsumerHandler({
      name: "h",
      subscribe: "t",
      middleware: [
        retry({ maxRetries: 2, minDelayMs: 1, logger, onRetry: throws, shouldRetry: throws }),
        circuitBreaker({ logger, onStateChange: throws, readyToTrip: throws, isSuccessful: throws, timeoutMs: 1 }),
        deduplicator({ logger, repository: { has: () => false, record: throws } }),
      ],
      handle: () => {
        if (++calls < 9) throw new Error("boom");
      },
    });
    await app.run(router.start());
    await app.pubsub.publish("t", new Message("x"));
    await app.settled();
    expect(calls).toBe(9);
  });
});
