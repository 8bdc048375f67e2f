import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type ReceivedMessage, type Subscriber } from "../message/index.ts";
import type { HandledEvent, Observer, PublishedEvent, StateEvent } from "./index.ts";
import { HandPublisher, HandSubscriber, outputOf, Rig, until } from "./rig.fixture.ts";

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
  it("that is asynchronous and rejects is logged too, and changes nothing", async () => {
    await using rig = new Rig();
    const reject = async (): Promise<never> => {
      throw new Error("observer down");
    };
    rig.router.observe({ handled: reject, published: reject, state: reject });
    rig.router.addHandler({ name: "a", subscribe: "t", publish: "o", handle: (m) => m.copy() });
    await rig.router.start();
    await rig.send("t", "x");
    await rig.router.idle();
    await rig.router.close();
    const lines = rig.logger.saying("an observer failed");
    expect(lines.length).toBeGreaterThanOrEqual(4); // two states at least, one publish, one verdict
    for (const { level, fields } of lines) expect([level, fields.error]).toEqual(["error", new Error("observer down")]);
    expect(rig.router.health().handlers.a?.counts).toMatchObject({ handled: 1, failed: 0 });
  });

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

  it("is told that a message is lost whose verdict does not hold, whatever its handler did", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: quick });
    const outcomes: string[] = [];
    rig.router.observe({ handled: ({ message, outcome }) => void outcomes.push(`${message.id} ${outcome}`) });
    const gate = deferred<void>();
    let calls = 0;
    const handle = async ({ id }: ReceivedMessage): Promise<void> => {
      calls++;
      await gate.promise;
      if (id === "c") throw new Error("no");
    };
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", concurrency: 3, orderBy: "none", handle });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver("a", "b", "c");
    await until(() => calls === 3, "the calls");
    session.intake.lose(({ id }) => id === "a");
    session.lost.add("b").add("c");
    gate.resolve();
    await until(() => outcomes.length === 3, "the outcomes");
    expect(outcomes.sort()).toEqual(["a lost", "b lost", "c lost"]);
    expect(rig.router.health().handlers.a?.counts).toMatchObject({ failed: 1, retried: 0 });
  });

  it("is told when a subscription has to be taken up again, and when it is back", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const states: string[] = [];
    rig.router.observe({ state: ({ status }) => void states.push(status.state) });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await rig.router.start();
    subscriber.source.openErrors.push(new MillraceError("gone", { code: "GONE" }));
    subscriber.source.session.intake.fail(new Error("cut"));
    await until(() => states.at(-1) === "running" && states.length > 1, "the new subscription");
    const beginning = states.indexOf("running");
    expect(states.slice(states.lastIndexOf("reconnecting"))).toEqual(["reconnecting", "running"]);
    expect(beginning).toBeLessThan(states.lastIndexOf("reconnecting"));
  });

  it("is told when a handler begins to fail for ever, and when it does not any more", async () => {
    await using rig = new Rig({ failure: { ...quick, attempts: 1 } });
    const states: string[] = [];
    rig.router.observe({ state: ({ status }) => void states.push(status.state) });
    let calls = 0;
    const handle = (): void => {
      if (++calls < 4) throw new Error("no");
    };
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle });
    await rig.router.start();
    await rig.send("t", "1");
    await rig.router.idle();
    expect(states.slice(-3)).toEqual(["running", "failing", "running"]);
  });
});
