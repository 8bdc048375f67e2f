import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { MemoryPubSub, memoryCapabilities } from "../memory/index.ts";
import { Message, type ReceivedMessage, type SubscribeOptions, type Subscriber } from "../message/index.ts";
import { retry, throttle } from "../middleware/index.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { type HandledEvent, type Observer, type PublishedEvent, Router, type StateEvent } from "./index.ts";
import { HandPublisher, HandSubscriber, outputOf, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };
const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A subscriber whose subscriptions take their time. */
function slowSubscriber(inner: Subscriber, ms: number): Subscriber {
  return {
    subscribe: async (topic, options) => {
      await turn(ms);
      return await inner.subscribe(topic, { ...options, signal: undefined });
    },
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

const hangingSubscriber: Subscriber = {
  subscribe: () => new Promise(() => {}),
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

describe("start", () => {
  it("loses nothing of a chain over memory: no handler reads before all are subscribed", async () => {
    await using rig = new Rig();
    await rig.bus.provision("in", { group: "first" });
    const last: string[] = [];
    rig.router.addHandler({ name: "first", subscribe: "in", publish: "mid", handle: (message) => new Message(message.text()) });
    rig.router.addConsumerHandler({
      name: "second",
      subscribe: { subscriber: slowSubscriber(rig.bus, 20), topic: "mid" },
      handle: (message) => void last.push(message.text()),
    });
    await rig.send("in", "1", "2", "3", "4", "5");
    await rig.router.start();
    await rig.router.idle();
    expect(last).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("subscribes side by side: ten subscriptions of 60 ms take less than three of them", async () => {
    await using rig = new Rig();
    const subscriber = slowSubscriber(rig.bus, 60);
    for (let n = 0; n < 10; n++) rig.router.addConsumerHandler({ name: `h${n}`, subscribe: { subscriber, topic: "t" }, handle: () => {} });
    const began = performance.now();
    await rig.router.start();
    expect(performance.now() - began).toBeLessThan(180);
  });

  it("does not start what its owner stopped in the same turn, and close leaves nothing open", async () => {
    await using rig = new Rig({ failure: quick });
    const subscriber = new HandSubscriber();
    const seen: string[] = [];
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber, topic: "t" }, handle: (message) => void seen.push(message.text()) });
    const stopping = handle.stop();
    const starting = rig.router.start();
    await Promise.all([stopping, starting]);
    expect(subscriber.subscriptions).toEqual([]);
    expect(rig.router.health().handlers).toEqual({});
    await rig.router.close();
  });

  it("works after a close that came before it: started resolves, and health says running", async () => {
    await using rig = new Rig();
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await rig.router.close();
    await rig.router.start();
    await rig.router.started;
    await handle.started;
    expect(rig.router.health().handlers.a?.state).toBe("running");
  });

  it("names handlers without a group after the router's service, and warns once where a durable broker would share bare names", async () => {
    const bus = new MemoryPubSub();
    const durable: Subscriber = {
      capabilities: { ...memoryCapabilities, durable: true },
      subscribe: (topic, options) => bus.subscribe(topic, options),
      close: () => bus.close(),
      [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
    };
    await using rig = new Rig({ subscriber: durable });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    rig.router.addConsumerHandler({ name: "b", subscribe: "t", group: "own", handle: () => {} });
    await rig.router.start();
    expect(rig.logger.saying("has no service").map(({ fields }) => fields)).toEqual([expect.objectContaining({ handlers: "a" })]);
    await using named = new Rig({ subscriber: durable, service: "billing" });
    named.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await named.router.start();
    expect(named.logger.saying("has no service")).toEqual([]);
    expect(named.router.describe()).toMatchObject({ service: "billing", handlers: [{ group: "billing.a" }] });
  });

  it("subscribes without a group, from now on, where group is false", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, service: "billing" });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", group: false, handle: () => {} });
    await rig.router.start();
    expect(subscriber.options[0] as SubscribeOptions).toMatchObject({ group: undefined, from: "latest" });
    expect(rig.router.describe().handlers[0]?.group).toBe(false);
  });
});

describe("close", () => {
  it("ends while a subscribe hangs, and start then says that it was closed", async () => {
    await using rig = new Rig({ drainTimeoutMs: 5000 });
    rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber: hangingSubscriber, topic: "t" }, handle: () => {} });
    const starting = rig.router.start();
    starting.catch(() => {});
    await turn();
    const began = performance.now();
    await rig.router.close();
    expect(performance.now() - began).toBeLessThan(1000);
    await expect(starting).rejects.toMatchObject({ code: "CLOSED" });
    await rig.router.closed;
  });

  it("ends the start of a handler that hangs, too: stop, and the signal of start", async () => {
    await using rig = new Rig();
    await rig.router.start();
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber: hangingSubscriber, topic: "t" }, handle: () => {} });
    await handle.stop();
    await expect(handle.started).rejects.toMatchObject({ code: "HANDLER_STOPPED" });
    const controller = new AbortController();
    const other = new Router();
    other.addConsumerHandler({ name: "a", subscribe: { subscriber: hangingSubscriber, topic: "t" }, handle: () => {} });
    const starting = other.start({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(starting).rejects.toThrow("enough");
  });

  for (const [name, middleware] of [
    ["a retry's backoff", () => retry({ maxRetries: 3, minDelayMs: 20_000, jitter: 0 })],
    ["a throttle's turn", () => throttle({ count: 1, intervalMs: 20_000 })],
  ] as const) {
    it(`gives back at once a message that only waits for ${name}, uncounted`, async () => {
      const bus = new MemoryPubSub({ persistent: true });
      await using rig = new Rig({ subscriber: bus, failure: quick });
      const attempts: number[] = [];
      const handle = (message: ReceivedMessage): void => {
        attempts.push(message.delivery.attempt);
        if (attempts.length === 1) throw new Error("not yet");
      };
      rig.router.addConsumerHandler({
        name: "a",
        subscribe: "t",
        middleware: name.includes("retry") ? [middleware()] : [retry({ minDelayMs: 1 }), middleware()],
        handle,
      });
      await rig.router.start();
      await bus.publish("t", new Message("1"));
      await until(() => attempts.length === 1, "the first call");
      await turn(20);
      const began = performance.now();
      await rig.router.close();
      expect(performance.now() - began).toBeLessThan(1000);
      const again = new Rig({ subscriber: bus });
      again.router.addConsumerHandler({ name: "a", subscribe: "t", handle });
      await again.router.start();
      await again.router.idle();
      await again.router.close();
      expect(attempts).toEqual([1, 1]);
      expect(rig.logger.at("error")).toEqual([]);
      await bus.close();
    });
  }

  it("awaited inside a handler does not wait for that handler's end, which is acked, then the router closes", async () => {
    await using rig = new Rig({ drainTimeoutMs: 20_000 });
    const began = performance.now();
    let verdict: unknown;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: async (message) => {
        void message.settled.then((told) => {
          verdict = told;
        });
        await rig.router.close();
      },
    });
    await rig.router.start();
    await rig.send("t", "stop");
    await rig.router.closed;
    expect([verdict, performance.now() - began < 2000]).toEqual(["acked", true]);
  });

  it("leaves every handler stopped in health, with its counts", async () => {
    await using rig = new Rig();
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    expect(rig.router.health().handlers.a?.state).toBe("starting");
    await rig.router.start();
    await rig.send("t", "1");
    await rig.router.idle();
    await rig.router.close();
    expect(rig.router.health().handlers.a).toMatchObject({ state: "stopped", counts: { handled: 1 } });
  });

  it("tells all who wait for closed, also when they asked before the start", async () => {
    await using rig = new Rig();
    let closed = 0;
    void rig.router.closed.then(() => closed++);
    await rig.router.start();
    void rig.router.closed.then(() => closed++);
    await turn();
    expect(closed).toBe(0);
    await rig.router.close();
    await turn(0);
    expect(closed).toBe(2);
  });
});

describe("idle", () => {
  it("does not wait for a paused handler, also when it is paused meanwhile", async () => {
    await using rig = new Rig();
    await rig.bus.provision("t", { group: "a" });
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    handle.pause();
    await rig.router.start();
    await rig.send("t", "1");
    await rig.router.idle();
    handle.resume();
    await rig.router.idle();
    expect(rig.router.health().handlers.a?.counts.handled).toBe(1);
  });

  it("gives up at its time with NOT_IDLE, naming who is at work, and at its signal with the signal's reason", async () => {
    await using rig = new Rig();
    const gate = deferred<void>();
    rig.router.addConsumerHandler({ name: "busy", subscribe: "t", handle: () => gate.promise });
    await rig.router.start();
    await rig.send("t", "1");
    await expect(rig.router.idle({ timeoutMs: 10 })).rejects.toMatchObject({ code: "NOT_IDLE", message: expect.stringContaining('"busy"') });
    await expect(rig.router.idle({ signal: AbortSignal.timeout(10) })).rejects.toMatchObject({ name: "TimeoutError" });
    gate.resolve();
    await rig.router.idle({ timeoutMs: 1000 });
  });
});

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

describe("a message that cannot be settled", () => {
  for (const kind of ["consumer", "batch"] as const) {
    it(`is no unhandled rejection: the subscription is taken up again (${kind})`, async () => {
      const bus = new MemoryPubSub();
      let broken = 0;
      const subscriber: Subscriber = {
        subscribe: async (topic, options) => {
          const subscription = await bus.subscribe(topic, options);
          return new Proxy(subscription, {
            get(target, name): unknown {
              if (name !== Symbol.asyncIterator) {
                const value: unknown = Reflect.get(target, name, target);
                return typeof name === "symbol" && name.description === "millrace.subscription"
                  ? undefined
                  : typeof value === "function"
                    ? value.bind(target)
                    : value;
              }
              return async function* () {
                for await (const message of target) {
                  yield broken++ > 0
                    ? message
                    : new Proxy(message, {
                        get(real, key): unknown {
                          if (key === "ack")
                            return () => {
                              throw new Error("no ack");
                            };
                          if (typeof key === "symbol") return undefined;
                          const value: unknown = Reflect.get(real, key, real);
                          return typeof value === "function" ? value.bind(real) : value;
                        },
                      });
                }
              };
            },
          });
        },
        close: () => bus.close(),
        [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
      };
      await bus.provision("t", { group: "a" });
      await using rig = new Rig({ subscriber, failure: quick });
      const handled: string[] = [];
      if (kind === "consumer")
        rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: (message: ReceivedMessage) => void handled.push(message.text()) });
      else
        rig.router.addBatchHandler({
          name: "a",
          subscribe: "t",
          size: 1,
          maxWaitMs: 1,
          handle: (messages: readonly ReceivedMessage[]) => void handled.push(...messages.map((m) => m.text())),
        });
      await rig.router.start();
      await bus.publish("t", new Message("1"));
      await until(() => handled.length === 2, "the message once more");
      await rig.router.idle();
      expect(rig.router.health().handlers.a).toMatchObject({ state: "running", counts: { reconnected: 1 } });
      await rig.router.close();
      await bus.close();
    });
  }
});

describe("an observer", () => {
  it("is told of every verdict, publish and state; one that throws is logged and changes nothing", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ service: "s", failure: { ...quick, attempts: 2, deadLetter: { publisher: letters, topic: "dead" } } });
    const handled: HandledEvent[] = [];
    const published: PublishedEvent[] = [];
    const states: StateEvent[] = [];
    const observer: Observer = {
      handled: (event) => void handled.push(event),
      published: (event) => void published.push(event),
      state: (event) => void states.push(event),
    };
    const stop = rig.router.observe(observer);
    rig.router.observe({
      handled: () => {
        throw new Error("observer");
      },
    });
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: "out",
      handle: (message) => {
        if (message.text() === "bad") throw new Error("boom");
        return new Message("result");
      },
    });
    await rig.router.start();
    await rig.send("t", "good", "bad");
    await rig.router.idle();
    const by = { service: "s", handler: "a", group: "s.a" };
    expect(handled.map(({ by, outcome, message, error }) => [by, outcome, message.text(), error instanceof Error ? error.message : undefined])).toEqual([
      [by, "acked", "good", undefined],
      [by, "retried", "bad", "boom"],
      [by, "deadLettered", "bad", "boom"],
    ]);
    for (const { durationMs } of handled) expect(durationMs).toBeGreaterThanOrEqual(0);
    expect(published).toMatchObject([{ by, topic: "out", count: 1 }]);
    expect(states[0]).toMatchObject({ by, status: { state: "running" } });
    expect(rig.logger.saying("an observer failed")).toHaveLength(3);
    stop();
    await rig.send("t", "good");
    await rig.router.idle();
    expect(handled).toHaveLength(3);
  });
});

describe("a handler as a value", () => {
  it("is added as what it is", async () => {
    await using rig = new Rig();
    const output = await outputOf(rig.bus, "out");
    const seen: string[] = [];
    rig.router.add({ name: "h", subscribe: "t", publish: "out", handle: (message) => new Message(`h ${message.text()}`) });
    rig.router.add({ name: "c", subscribe: "t", handle: (message) => void seen.push(`c ${message.text()}`) });
    rig.router.add({ name: "b", subscribe: "t", size: 2, maxWaitMs: 1, handle: (messages) => void seen.push(`b ${messages.length}`) });
    await rig.router.start();
    await rig.send("t", "1", "2");
    await rig.router.idle();
    await until(() => output.texts.length === 2, "the output");
    expect([seen.sort(), output.texts, rig.router.describe().handlers.map(({ kind }) => kind)]).toEqual([
      ["b 2", "c 1", "c 2"],
      ["h 1", "h 2"],
      ["handler", "consumer", "batch"],
    ]);
  });

  it("that returns what is no message fails for good, by its name", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: { ...quick, deadLetter: { publisher: letters, topic: "dead" } } });
    rig.router.addHandler({ name: "odd", subscribe: "t", publish: "out", handle: () => ({ not: "a message" }) as unknown as Message });
    await rig.router.start();
    await rig.send("t", "1");
    await rig.router.idle();
    expect(letters.calls[0]?.messages[0]?.metadata.get("reason_poisoned")).toContain('handler "odd" returned');
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
