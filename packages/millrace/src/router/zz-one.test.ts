import { describe, expect, it } from "vitest";
import { MillraceError, PermanentError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { Message, type Middleware, type Produced, type ReceivedMessage, type Subscriber } from "../message/index.ts";
import { retry, timeout } from "../middleware/index.ts";
import { HandPublisher, HandSubscriber, Rig, until } from "./rig.fixture.ts";

const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("one", () => {
  it("S1 abandoned early-acked call does not ack a later message", async () => {
    await using rig = new Rig();
    const seen: string[] = [];
    const gates = [deferred<void>(), deferred<void>()];
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", abandonAfterMs: 20, failure: { minDelayMs: 0, maxDelayMs: 1 }, handle: async (m) => {
      const n = seen.push(m.text());
      if (n === 1) m.ack();
      await gates[n - 1]?.promise;
      if (n === 2) throw new Error("fails");
    } });
    await rig.router.start();
    await rig.send("t", "1");
    await until(() => seen.length === 1, "1");
    await rig.router.close({ timeoutMs: 5 });
    await turn(60);
    await rig.router.start();
    await rig.send("t", "2");
    await until(() => seen.length === 2, "2");
    gates[0]?.resolve();
    await turn(20);
    gates[1]?.resolve();
    await until(() => seen.length === 3, "2 again");
    expect(seen).toEqual(["1", "2", "2"]);
  });

  it("S19 redelivery that waits for a lost call, handed back by a close, is not taken for a later message", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    const gates: ReturnType<typeof deferred<void>>[] = [];
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", concurrency: 2, orderBy: "none", handle: async (m) => {
      seen.push(m.text());
      const gate = deferred<void>();
      gates.push(gate);
      await gate.promise;
    } });
    await rig.router.start();
    subscriber.source.session.deliver("m");
    await until(() => seen.length === 1, "m");
    subscriber.source.session.intake.lose();
    subscriber.source.session.deliver("m");
    await turn();
    await rig.router.close({ timeoutMs: 5 });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver("n");
    await until(() => seen.length === 2, "n");
    gates[0]?.resolve();
    await turn(20);
    expect(session.told).toEqual([]);
    expect(rig.router.health().handlers.a?.inFlight).toBe(1);
    gates[1]?.resolve();
    await until(() => session.told.includes("ack n"), "ack n");
  });

  it("S10 pipeline: overtaken message that fails for good is not dead-lettered before its predecessor", async () => {
    const subscriber = new HandSubscriber();
    const publisher = new HandPublisher();
    const dead = new HandPublisher();
    await using rig = new Rig({ subscriber, failure: { minDelayMs: 0, maxDelayMs: 1, deadLetter: { publisher: dead, topic: "dead" } } });
    const seen: string[] = [];
    const gate = deferred<void>();
    publisher.onPublish = async (n) => { if (n === 1) { await until(() => seen.length === 2, "b"); throw new Error("no"); } };
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "o" }, pipeline: 2, handle: async (m) => {
      seen.push(m.text());
      if (m.text() === "B" && seen.length === 2) { await gate.promise; throw new PermanentError("never"); }
      return new Message(m.text());
    } });
    await rig.router.start();
    subscriber.source.session.deliver({ id: "A", key: "k" }, { id: "B", key: "k" });
    await until(() => seen.length === 2, "both");
    await turn();
    gate.resolve();
    await turn(20);
    await rig.router.idle();
    expect(dead.texts).toEqual([]);
    expect(seen).toEqual(["A", "B", "A", "B"]);
  });

  it("S10b pipeline: overtaken call whose handler goes on behind a middleware keeps its slot", async () => {
    const subscriber = new HandSubscriber();
    const publisher = new HandPublisher();
    await using rig = new Rig({ subscriber, failure: { minDelayMs: 0, maxDelayMs: 1 } });
    const seen: string[] = [];
    let running = 0;
    let most = 0;
    const gate = deferred<void>();
    publisher.onPublish = async (n) => { if (n === 1) { await turn(20); throw new Error("no"); } };
    const giveUp: Middleware = (next) => (m) => Promise.race([next(m) as Promise<Produced>, turn(5).then(() => undefined)]);
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "o" }, pipeline: 2, middleware: [giveUp], handle: async (m) => {
      seen.push(m.text());
      most = Math.max(most, ++running);
      try {
        if (m.text() === "B" && seen.length === 2) await gate.promise;
        return new Message(m.text());
      } finally { running--; }
    } });
    await rig.router.start();
    subscriber.source.session.deliver({ id: "A", key: "k" }, { id: "B", key: "k" });
    await until(() => seen.length === 2, "both");
    await turn(60);
    gate.resolve();
    await rig.router.idle();
    expect(most).toBe(1);
    expect(seen).toEqual(["A", "B", "A", "B"]);
  });

  it("S47 pipeline: output of an early-acked overtaken message is not lost", async () => {
    const subscriber = new HandSubscriber();
    const publisher = new HandPublisher();
    await using rig = new Rig({ subscriber, failure: { minDelayMs: 0, maxDelayMs: 1 } });
    const seen: string[] = [];
    const gate = deferred<void>();
    publisher.onPublish = async (n) => { if (n === 1) { await until(() => seen.length === 2, "b"); throw new Error("no"); } };
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "o" }, pipeline: 2, handle: async (m) => {
      seen.push(m.text());
      if (m.text() === "B") { m.ack(); await gate.promise; }
      return new Message(m.text());
    } });
    await rig.router.start();
    subscriber.source.session.deliver({ id: "A", key: "k" }, { id: "B", key: "k" });
    await until(() => seen.length === 2, "both");
    await turn();
    gate.resolve();
    await turn(20);
    await rig.router.idle();
    expect(publisher.texts).toContain("B");
  });

  it("S50 pipeline: what is handed back when the handler stops is no failure", async () => {
    const subscriber = new HandSubscriber();
    const publisher = new HandPublisher();
    await using rig = new Rig({ subscriber });
    const gate = deferred<void>();
    let calls = 0;
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "o" }, pipeline: 3, handle: async (m) => {
      calls++;
      await gate.promise;
      return new Message(m.text());
    } });
    const events: string[] = [];
    rig.router.observe({ handled: ({ message, outcome }) => void events.push(`${message.text()} ${outcome}`) });
    await rig.router.start();
    subscriber.source.session.deliver({ id: "A", key: "k" }, { id: "B", key: "k" }, { id: "C", key: "k" });
    await until(() => calls === 1, "A");
    await turn();
    const closing = rig.router.close();
    await turn();
    gate.resolve();
    await closing;
    expect(rig.router.health().handlers.a?.counts).toMatchObject({ failed: 0, handled: 1 });
    expect(rig.router.health().handlers.a?.lastError).toBe(undefined);
    expect(events.sort()).toEqual(["A acked", "B returned", "C returned"]);
  });

  it("S19b a message lost while its batch gathers is no failure", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    rig.router.addBatchHandler({ name: "a", subscribe: "t", size: 5, maxWaitMs: 50, handle: () => {} });
    await rig.router.start();
    subscriber.source.session.deliver("m");
    await until(() => rig.router.health().handlers.a?.inFlight === 1, "m");
    await turn();
    subscriber.source.session.intake.lose();
    await turn();
    expect(rig.router.health().handlers.a).toMatchObject({ counts: { failed: 0 }, lastError: undefined });
    expect(rig.logger.saying("while the handler ran")).toHaveLength(0);
  });

  it("S21 batch: a hung batch that retry gave up on gives its slot back after abandonAfterMs", async () => {
    await using rig = new Rig({ failure: { minDelayMs: 0, maxDelayMs: 1 } });
    let calls = 0;
    const hang = deferred<void>();
    rig.router.addBatchHandler({ name: "a", subscribe: "t", size: 1, maxWaitMs: 1, abandonAfterMs: 30, middleware: [retry({ minDelayMs: 0, maxDelayMs: 1 }), timeout(10)], handle: async () => {
      if (++calls === 1) await hang.promise;
    } });
    await rig.router.start();
    await rig.send("t", "1");
    await rig.router.idle({ timeoutMs: 1000 });
    expect(calls).toBe(2);
    hang.resolve();
  });

  it("S23 batch: what a middleware has given up on while it waited for its batch is not handled in it", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: { minDelayMs: 0, maxDelayMs: 1 } });
    const batches: string[][] = [];
    let first = true;
    const giveUp: Middleware = (next) => async (m) => {
      const result = next(m) as Promise<Produced>;
      if (!first) return await result;
      first = false;
      return await Promise.race([result, turn(5).then(() => { throw new Error("too slow"); })]);
    };
    rig.router.addBatchHandler({ name: "a", subscribe: "t", size: 5, maxWaitMs: 100, abandonAfterMs: 20, middleware: [giveUp], handle: (ms) => void batches.push(ms.map((m) => m.text())) });
    await rig.router.start();
    subscriber.source.session.deliver({ id: "A", key: "k" });
    await turn(50);
    await rig.router.idle();
    expect(batches).toEqual([["A"]]);
  });

  it("S25 pipeline: later ones of a lost and refused message go back", async () => {
    const subscriber = new HandSubscriber();
    const publisher = new HandPublisher();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    const gate = deferred<void>();
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "o" }, pipeline: 2, concurrency: 2, orderBy: (m) => m.key, handle: async (m) => {
      seen.push(m.text());
      if (m.text() === "A") { await gate.promise; m.nack(); return []; }
      return new Message(m.text());
    } });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver({ id: "A", key: "k" }, { id: "B", key: "k" });
    await until(() => seen.length === 1, "A");
    session.intake.lose((m) => m.id === "A");
    gate.resolve();
    await turn(20);
    expect(session.told).toEqual([]);
  });

  it("S18 a message lost in the reader is not handled", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    const gate = deferred<void>();
    rig.router.addConsumerHandler({ name: "a", subscribe: ["t", "u"], handle: async (m) => {
      seen.push(m.text());
      if (seen.length === 1) await gate.promise;
    } });
    await rig.router.start();
    const [one, two] = subscriber.source.sessions;
    one?.deliver("1");
    await until(() => seen.length === 1, "1");
    two?.deliver("2");
    await turn();
    two?.intake.lose();
    gate.resolve();
    await turn(10);
    expect(seen).toEqual(["1"]);
  });

  it("S2 paused handler begins nothing that the reader holds", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    const gate = deferred<void>();
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: ["t", "u"], handle: async (m) => {
      seen.push(m.text());
      if (seen.length === 1) await gate.promise;
    } });
    await rig.router.start();
    const [one, two] = subscriber.source.sessions;
    one?.deliver("1");
    await until(() => seen.length === 1, "1");
    two?.deliver("2");
    await turn();
    handle.pause();
    gate.resolve();
    await turn(10);
    expect(seen).toEqual(["1"]);
    expect(two?.givenBack.map((m) => m.id)).toEqual(["2"]);
  });

  it("S76 a subscription that ends with verdicts not durable does not end the process", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const unhandled: unknown[] = [];
    const listen = (e: unknown): void => void unhandled.push(e);
    process.on("unhandledRejection", listen);
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await rig.router.start();
    const { session } = subscriber.source;
    session.onSettle = () => { throw new Error("refused"); };
    session.deliver("1");
    await turn();
    subscriber.subscribe = async () => { throw new MillraceError("closed", { code: "CLOSED" }); };
    await subscriber.subscriptions[0]?.close().catch(() => {});
    await rig.router.closed;
    await turn(20);
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });

  it("S5 a handler added while running whose start a close cuts off starts with the next start", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    await rig.router.start();
    const real = subscriber.subscribe.bind(subscriber);
    const slow: Subscriber = { subscribe: async (t, o) => { await turn(20); return await real(t, o); }, close: async () => {}, [Symbol.asyncDispose]: async () => {} };
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: { subscriber: slow, topic: "t" }, handle: () => {} });
    await rig.router.close();
    await turn();
    await rig.router.start();
    await handle.started;
    expect(Object.keys(rig.router.health().handlers)).toEqual(["a"]);
    expect(rig.router.health().handlers.a?.state).toBe("running");
  });

  it("S5b a handler added at any turn of a start is started", async () => {
    for (let turns = 0; turns < 60; turns++) {
      await using rig = new Rig();
      rig.router.addConsumerHandler({ name: "first", subscribe: "t", handle: () => {} });
      const starting = rig.router.start();
      for (let n = 0; n < turns; n++) await undefined;
      const seen: string[] = [];
      const handle = rig.router.addConsumerHandler({ name: "late", subscribe: "t", handle: (m) => void seen.push(m.text()) });
      await starting;
      await handle.started;
      await rig.send("t", "x");
      await turn(2);
      expect([turns, seen]).toEqual([turns, ["x"]]);
    }
  });

  it("S3 stop at any turn leaves no subscription open", async () => {
    for (let turns = 0; turns < 60; turns++) {
      const open = new Set<unknown>();
      const inner = new HandSubscriber();
      const foreign: Subscriber = { subscribe: async (t, { signal: _s, ...o } = {}) => {
        const sub = await inner.subscribe(t, o);
        open.add(sub);
        void sub.closed.then(() => open.delete(sub));
        return sub;
      }, close: async () => {}, [Symbol.asyncDispose]: async () => {} };
      await using rig = new Rig({ subscriber: foreign });
      const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
      const starting = rig.router.start().catch(() => {});
      for (let n = 0; n < turns; n++) await undefined;
      await handle.stop();
      await starting;
      await turn(2);
      expect([turns, open.size]).toEqual([turns, 0]);
    }
  });

  it("S30 idle waits for a subscription that broke meanwhile", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: async (m) => { seen.push(m.text()); await turn(10); } });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver("1");
    await until(() => seen.length === 1, "1");
    let idle = false;
    void rig.router.idle().then(() => { idle = true; });
    await turn(2);
    session.intake.fail(new Error("x"));
    subscriber.source.openErrors.push(new MillraceError("fatal", { code: "X", retryable: false }));
    await turn(60);
    expect(idle).toBe(false);
    await until(() => idle, "idle");
    expect(subscriber.source.sessions).toHaveLength(2);
  });

  it("S42 idle is not fooled by a pause that ends at once", async () => {
    await using rig = new Rig();
    const seen: string[] = [];
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: async (m) => { seen.push(m.text()); await turn(10); } });
    await rig.router.start();
    await rig.send("t", "1", "2", "3");
    const idle = rig.router.idle();
    await turn(2);
    handle.pause();
    handle.resume();
    await idle;
    expect(seen).toEqual(["1", "2", "3"]);
  });

  it("S7 early acked call of an input that ends is waited for", async () => {
    const subscriber = new HandSubscriber();
    const publisher = new HandPublisher();
    await using rig = new Rig({ subscriber });
    let signal: AbortSignal | undefined;
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "o" }, handle: async (m) => {
      m.ack();
      signal = m.signal;
      await turn(30);
      return new Message("out");
    } });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver("1");
    await until(() => signal !== undefined, "1");
    await (subscriber.subscriptions[0] as { finish?(): Promise<void> }).finish?.();
    await rig.router.closed;
    expect(publisher.texts).toEqual(["out"]);
    expect(signal?.aborted === false || (signal?.reason as MillraceError).code === "HANDLING_ENDED").toBe(true);
  });

  it("S45 durations", async () => {
    await using rig = new Rig();
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: async () => { await turn(1); } });
    await rig.router.start();
    const off = rig.router.observe({ handled: () => {} });
    await rig.send("t", "1");
    await rig.router.idle();
    off();
    await turn(60);
    const durations: number[] = [];
    await rig.send("t", "2");
    rig.router.observe({ handled: ({ durationMs }) => void durations.push(durationMs) });
    await rig.router.idle();
    expect(durations[0]).toBeLessThan(40);
  });

  it("S27 throwing logger", async () => {
    const boom = (): never => { throw new Error("logger"); };
    const logger = { trace: boom, debug: boom, info: boom, warn: boom, error: boom, child: () => logger } as never;
    const unhandled: unknown[] = [];
    const listen = (e: unknown): void => void unhandled.push(e);
    process.on("unhandledRejection", listen);
    await using rig = new Rig({ logger, failure: { minDelayMs: 0, maxDelayMs: 1, attempts: 2 } });
    let calls = 0;
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: async () => { if (++calls < 3) throw new Error("no"); } });
    rig.router.addConsumerHandler({ name: "b", subscribe: "t", handle: () => { if (++calls < 3) throw new Error("no"); } });
    await rig.router.start();
    await rig.send("t", "1");
    await rig.router.idle({ timeoutMs: 2000 });
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });

  it("S73 keepCounts once", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const gate = deferred<void>();
    rig.router.addConsumerHandler({ name: "b", subscribe: "u", handle: () => {} });
    const handle = rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: async () => { await gate.promise; } });
    await rig.router.start();
    const session = subscriber.source.sessions[1];
    await session?.intake.undecodable({ position: "1", payload: new Uint8Array(), error: new Error("x"), topic: "t" });
    session?.deliver("1");
    await turn();
    const states: unknown[] = [];
    rig.router.observe({ state: ({ by, status }) => void (by.handler === "a" && states.push((status as { counts?: { undecodable: number } }).counts?.undecodable)) });
    const stopping = handle.stop();
    const closing = rig.router.close();
    gate.resolve();
    await stopping;
    await closing;
    expect(Math.max(...(states as number[]))).toBeLessThanOrEqual(1);
  });
});
