import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { sleep } from "../internal/timers.ts";
import { type Handler, Message, type Middleware } from "../message/index.ts";
import type { Harness } from "../testing/index.ts";
import { circuitBreaker, correlationId, deduplicator, delayOnError, duplicator, ignoreErrors, poisonQueue, retry, throttle, timeout } from "./index.ts";
import { numbered, RouterApp } from "./router-app.fixture.ts";

describe("a message that only waits", () => {
  const failing: Handler = () => {
    throw new Error("boom");
  };

  it("for the backoff of a retry, is handed back uncounted when the router closes, at once, and no hook hears of it", async () => {
    await using rig = new RouterApp();
    const { app, router } = rig;
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
    await using rig = new RouterApp();
    const { app, router } = rig;
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
    await using rig = new RouterApp();
    const { app, router } = rig;
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
      await using rig = new RouterApp({ failure: { minDelayMs: 1, maxDelayMs: 2 } });
      const { app, router } = rig;
      const at: number[] = [];
      router.addConsumerHandler({
        name: "h",
        subscribe: "t",
        middleware: [middleware],
        handle: () => {
          if (at.push(app.now.getTime()) === 1)
            throw new Error("payment failed", { cause: Object.assign(new Error("too many requests"), { retryAfterMs: 700 }) });
        },
      });
      await app.run(router.start());
      await app.pubsub.publish("t", new Message("x"));
      await app.settled();
      const [first = 0, second = 0] = at;
      expect(second - first).toBeGreaterThanOrEqual(700);
      expect(second - first).toBeLessThan(720);
    }
  });

  it("for its next delivery, waits for what delayOnError asks", async () => {
    await using rig = new RouterApp({ failure: { minDelayMs: 1, maxDelayMs: 2 } });
    const { app, router } = rig;
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

describe("a poison queue inside a timeout", () => {
  it("does not take a message whose time was over, whatever its handler makes of that: it comes again", async () => {
    for (const canceled of [new Error("canceled"), new DOMException("aborted", "AbortError")]) {
      await using rig = new RouterApp({ failure: { minDelayMs: 1, maxDelayMs: 2 } });
      const { app, router } = rig;
      const attempts: number[] = [];
      router.addConsumerHandler({
        name: "h",
        subscribe: "t",
        middleware: [timeout(50), poisonQueue({ publisher: app.pubsub, topic: "poison" })],
        handle: ({ delivery, signal }) => {
          attempts.push(delivery.attempt);
          if (delivery.attempt === 3) return;
          return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(canceled)));
        },
      });
      await app.run(router.start());
      await app.pubsub.publish("t", new Message("x"));
      await app.settled();
      expect(attempts).toEqual([1, 2, 3]);
      expect(app.published("poison")).toEqual([]);
    }
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
      await using rig = new RouterApp({ failure: { minDelayMs: 1, maxDelayMs: 2, attempts: 3, deadLetter: undefined } });
      const { app, router } = rig;
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
    await using rig = new RouterApp({ failure: { minDelayMs: 1, maxDelayMs: 1 } });
    const { app, router } = rig;
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

describe("what an untyped consumer gives back besides messages", () => {
  const around: Readonly<Record<string, readonly Middleware[]>> = {
    "no middleware": [],
    "a correlation id": [correlationId()],
    "a duplicator": [duplicator()],
    "retry, timeout, deduplicator and breaker": [retry(), timeout(1_000), deduplicator(), circuitBreaker()],
  };
  for (const [what, middleware] of Object.entries(around)) {
    for (const handle of [() => 7, async () => [7, 8], async () => null, () => ({ payload: "text" })]) {
      it(`is dropped, and no failure, behind ${what}: ${handle}`, async () => {
        await using rig = new RouterApp();
        const { app, router } = rig;
        router.addConsumerHandler({ name: "h", subscribe: "t", middleware, handle: handle as unknown as () => void });
        await app.run(router.start());
        await app.pubsub.publish("t", new Message("x").copy({ metadata: { correlation_id: "c" } }));
        await app.settled();
        expect(router.health().handlers.h?.counts).toMatchObject({ handled: 1, failed: 0, retried: 0 });
      });
    }
  }
});
