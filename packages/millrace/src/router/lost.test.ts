import { describe, expect, it } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { Message, type ReceivedMessage, transformSubscriber } from "../message/index.ts";
import { HandPublisher, HandSubscriber, Rig, until } from "./rig.fixture.ts";

interface Scene {
  readonly rig: Rig;
  readonly subscriber: HandSubscriber;
  readonly calls: ReceivedMessage[];
  readonly gates: ReturnType<typeof deferred<void>>[];
}

/** A handler whose calls end when the test says so. */
async function scene(options: { concurrency?: number; abandonAfterMs?: number; publisher?: HandPublisher } = {}): Promise<Scene> {
  const subscriber = new HandSubscriber();
  const rig = new Rig({ subscriber, failure: { minDelayMs: 0, maxDelayMs: 1 } });
  const calls: ReceivedMessage[] = [];
  const gates: ReturnType<typeof deferred<void>>[] = [];
  const handle = async (message: ReceivedMessage): Promise<void> => {
    calls.push(message);
    const gate = deferred<void>();
    gates.push(gate);
    await gate.promise;
  };
  const { publisher, ...rest } = options;
  const common = { name: "a", subscribe: "t", orderBy: "none", ...rest } as const;
  if (publisher === undefined) rig.router.addConsumerHandler({ ...common, handle });
  else {
    rig.router.addHandler({
      ...common,
      publish: { publisher, topic: "out" },
      handle: async (message) => {
        await handle(message);
        return new Message(`out ${message.id}`);
      },
    });
  }
  await rig.router.start();
  return { rig, subscriber, calls, gates };
}

describe("a delivery lost while its handler runs", () => {
  for (const concurrency of [1, 3]) {
    it(`waits, redelivered, for that run, and is acked without a second call when it succeeds (concurrency ${concurrency})`, async () => {
      const { rig, subscriber, calls, gates } = await scene({ concurrency });
      await using _rig = rig;
      const { session } = subscriber.source;
      session.deliver("m");
      await until(() => calls.length === 1, "the call");
      const { signal } = calls[0] as ReceivedMessage;
      session.intake.lose();
      expect([signal.aborted, signal.reason]).toMatchObject([true, { code: "DELIVERY_LOST" }]);
      session.deliver("m");
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(calls).toHaveLength(1);
      gates[0]?.resolve();
      await rig.router.idle();
      await until(() => session.told.includes("ack m"), "the ack of the redelivery");
      expect(calls).toHaveLength(1);
      expect(rig.logger.saying("lost while the handler ran")).toHaveLength(1);
    });

    it(`is handled again when that run fails (concurrency ${concurrency})`, async () => {
      const { rig, subscriber, calls, gates } = await scene({ concurrency });
      await using _rig = rig;
      const { session } = subscriber.source;
      session.deliver("m");
      await until(() => calls.length === 1, "the call");
      session.intake.lose();
      session.deliver("m");
      gates[0]?.reject(new Error("cut off"));
      await until(() => calls.length === 2, "the second call");
      expect(calls[1]?.delivery.attempt).toBe(1);
      gates[1]?.resolve();
      await until(() => session.told.includes("ack m"), "the ack");
    });

    it(`has its output published once, and none is lost (concurrency ${concurrency})`, async () => {
      const publisher = new HandPublisher();
      const { rig, subscriber, calls, gates } = await scene({ concurrency, publisher });
      await using _rig = rig;
      const { session } = subscriber.source;
      session.deliver("m");
      await until(() => calls.length === 1, "the call");
      session.intake.lose();
      session.deliver("m");
      gates[0]?.resolve();
      await until(() => session.told.includes("ack m"), "the ack of the redelivery");
      expect([calls.length, publisher.texts]).toEqual([1, ["out m"]]);
    });
  }

  it("lets another message with the same handler pass when there is room", async () => {
    const { rig, subscriber, calls, gates } = await scene({ concurrency: 2 });
    await using _rig = rig;
    const { session } = subscriber.source;
    session.deliver("m");
    await until(() => calls.length === 1, "the call");
    session.intake.lose();
    session.deliver("n");
    await until(() => calls.length === 2, "the other call");
    for (const gate of gates) gate.resolve();
    await until(() => session.told.includes("ack n"), "its ack");
  });

  it("keeps its slot until it ends, or for abandonAfterMs: then it is logged as abandoned and the handler goes on", async () => {
    const { rig, subscriber, calls, gates } = await scene({ concurrency: 1, abandonAfterMs: 30 });
    await using _rig = rig;
    const { session } = subscriber.source;
    session.deliver("m");
    await until(() => calls.length === 1, "the call");
    session.intake.lose();
    session.deliver("m");
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(calls).toHaveLength(1);
    await until(() => calls.length === 2, "the call after the abandoned one");
    expect(rig.logger.saying("its call is abandoned")).toHaveLength(1);
    gates[1]?.resolve();
    await until(() => session.told.includes("ack m"), "the ack");
    await rig.router.close(); // although the abandoned call never ends
  });

  it("drops the output of a call that was abandoned", async () => {
    const publisher = new HandPublisher();
    const { rig, subscriber, calls, gates } = await scene({ abandonAfterMs: 5, publisher });
    await using _rig = rig;
    const { session } = subscriber.source;
    session.deliver("m");
    await until(() => calls.length === 1, "the call");
    session.intake.lose();
    session.deliver("m");
    await until(() => calls.length === 2, "the second call");
    gates[0]?.resolve();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(publisher.texts).toEqual([]);
    gates[1]?.resolve();
    await until(() => session.told.includes("ack m"), "the ack");
    expect(publisher.texts).toEqual(["out m"]);
  });

  it("has its output dropped when the handler stops meanwhile: the message will be handled again", async () => {
    const publisher = new HandPublisher();
    const { rig, subscriber, calls, gates } = await scene({ publisher });
    await using _rig = rig;
    const { session } = subscriber.source;
    session.deliver("m");
    await until(() => calls.length === 1, "the call");
    session.intake.lose();
    const closing = rig.router.close();
    gates[0]?.resolve();
    await closing;
    expect([publisher.texts, rig.router.health().handlers.a?.counts.handled]).toEqual([[], 0]);
  });

  it("is no failure: nothing is counted, nothing dead-lettered, when the handler gives up with the signal's reason", async () => {
    const subscriber = new HandSubscriber();
    const letters = new HandPublisher();
    await using rig = new Rig({ subscriber, failure: { attempts: 1, deadLetter: { publisher: letters, topic: "dead" } } });
    let calls = 0;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: (m) =>
        ++calls > 1 ? undefined : new Promise<void>((_resolve, reject) => m.signal.addEventListener("abort", () => reject(m.signal.reason as Error))),
    });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver("m");
    await until(() => calls === 1, "the call");
    session.intake.lose();
    session.deliver("m");
    await until(() => session.told.includes("ack m"), "the ack");
    expect([calls, letters.calls.length]).toEqual([2, 0]);
  });
});

describe("a batch whose deliveries are lost", () => {
  it("is not run a second time beside itself", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const gate = deferred<void>();
    let calls = 0;
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 2,
      maxWaitMs: 1,
      orderBy: "none",
      handle: async () => {
        calls++;
        await gate.promise;
      },
    });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver("m", "n");
    await until(() => calls === 1, "the batch");
    session.intake.lose();
    session.deliver("m", "n");
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(calls).toBe(1);
    gate.resolve();
    await until(() => session.told.length === 2, "the acks of the redeliveries");
    expect(calls).toBe(1);
  });
});

describe("a subscription that breaks for good", () => {
  it("is taken up again with backoff, and health says reconnecting meanwhile", async () => {
    const { MillraceError } = await import("../errors/index.ts");
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: (m) => void seen.push(m.id) });
    await rig.router.start();
    subscriber.source.openErrors.push(new MillraceError("topic deleted", { code: "GONE" }), new Error("still gone"));
    subscriber.source.session.intake.fail(new Error("cut"));
    await until(() => rig.router.health().handlers.a?.state === "reconnecting" && subscriber.source.openErrors.length < 2, "the break");
    await until(() => rig.logger.saying("it is taken up again").length === 1, "its log line");
    expect(rig.router.health()).toMatchObject({ live: true, ready: false, handlers: { a: { lastError: { code: "GONE" } } } });
    await until(() => rig.router.health().handlers.a?.state === "running", "the new subscription");
    expect(rig.logger.saying("subscribing again failed")).toHaveLength(1);
    subscriber.source.session.deliver("x");
    await until(() => seen.length === 1, "a message");
  });

  const ways: readonly [string, (seen: string[]) => Pick<Parameters<Rig["router"]["addConsumerHandler"]>[0], "handle" | "concurrency">][] = [
    ["a synchronous handler", (seen) => ({ handle: (m) => void seen.push(m.text()) })],
    ["an async one", (seen) => ({ handle: async (m) => void seen.push(m.text()) })],
    ["several at once", (seen) => ({ concurrency: 2, handle: async (m) => void seen.push(m.text()) })],
  ];
  for (const [name, way] of ways) {
    it(`is given back first, and what it held comes again (${name}, messages that cannot be acked)`, async () => {
      await using rig = new Rig();
      let broken = true;
      const seen: string[] = [];
      const breakAck = (message: ReceivedMessage): void => {
        if (!broken) return;
        const ack = (): never => {
          broken = false;
          throw new Error("a foreign client is gone");
        };
        Object.defineProperty(message, "ack", { value: ack });
      };
      rig.router.addSubscriberDecorators(transformSubscriber(breakAck));
      rig.router.addConsumerHandler({ name: "a", subscribe: "t", ...way(seen) });
      await rig.bus.provision("t", { group: "a" });
      await rig.router.start();
      await rig.send("t", "1");
      await until(() => seen.length === 2, "the message whose ack failed, once more");
      await rig.send("t", "2");
      await until(() => seen.length === 3, "the next one");
      expect(seen).toEqual(["1", "1", "2"]);
      expect(rig.logger.saying("it is taken up again")).toHaveLength(1);
    });
  }

  it("is given back first, and what it held comes again, when a failed message cannot be nacked", async () => {
    await using rig = new Rig({ failure: { minDelayMs: 0, maxDelayMs: 1 } });
    const seen: string[] = [];
    const breakNack = (message: ReceivedMessage): void => {
      if (seen.length > 0) return;
      const nack = (): never => {
        throw new Error("a foreign client is gone");
      };
      Object.defineProperty(message, "nack", { value: nack });
    };
    rig.router.addSubscriberDecorators(transformSubscriber(breakNack));
    const handle = (m: ReceivedMessage): void => {
      if (seen.push(m.text()) === 1) throw new Error("no");
    };
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", concurrency: 2, orderBy: "none", handle });
    await rig.bus.provision("t", { group: "a" });
    await rig.send("t", "1", "2");
    await rig.router.start();
    await until(() => seen.length === 3, "the message once more, and the other one");
    expect(seen).toEqual(["1", "1", "2"]);
    expect(rig.logger.saying("it is taken up again")).toHaveLength(1);
  });

  it("does not keep close() from ending while it cannot be had again", async () => {
    const { MillraceError } = await import("../errors/index.ts");
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", handle: () => {} });
    await rig.router.start();
    subscriber.source.openErrors.push(new MillraceError("gone", { code: "GONE" }));
    subscriber.source.session.intake.fail(new Error("cut"));
    await until(() => rig.logger.saying("it is taken up again").length === 1, "the break");
    subscriber.subscribe = () => new Promise(() => {});
    await new Promise((resolve) => setTimeout(resolve, 120));
    const began = performance.now();
    await rig.router.close({ timeoutMs: 100 });
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
