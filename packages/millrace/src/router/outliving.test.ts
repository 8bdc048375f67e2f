import { describe, expect, it } from "vitest";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { type BatchHandler, Message, type ReceivedMessage } from "../message/index.ts";
import { ignoreErrors, instantAck, poisonQueue, retry, timeout } from "../middleware/index.ts";
import type { HandlerOptions } from "./index.ts";
import { HandPublisher, HandSubscriber, outputOf, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };
const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A handler on a subscriber driven by hand, whose calls end when the test says so. */
class Scene implements AsyncDisposable {
  readonly subscriber = new HandSubscriber();
  readonly rig: Rig;
  readonly calls: ReceivedMessage[] = [];
  readonly gates: Deferred<void>[] = [];
  running = 0;
  most = 0;

  constructor(deadLetter?: HandPublisher) {
    this.rig = new Rig({ subscriber: this.subscriber, failure: { ...quick, ...(deadLetter && { deadLetter: { publisher: deadLetter, topic: "dead" } }) } });
  }

  readonly handle = async (message: ReceivedMessage): Promise<void> => {
    this.calls.push(message);
    const gate = deferred<void>();
    this.gates.push(gate);
    this.most = Math.max(this.most, ++this.running);
    try {
      await gate.promise;
    } finally {
      this.running--;
    }
  };

  async start(options: Partial<HandlerOptions> = {}): Promise<this> {
    this.rig.router.addConsumerHandler({ name: "a", subscribe: "t", ...options, handle: this.handle });
    await this.rig.router.start();
    return this;
  }

  get session(): HandSubscriber["source"]["session"] {
    return this.subscriber.source.session;
  }

  get texts(): string[] {
    return this.calls.map((message) => message.text());
  }

  async called(count: number): Promise<void> {
    await until(() => this.calls.length === count, `${count} calls, seen: ${this.texts.join(" ")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const gate of this.gates) gate.resolve();
    await this.rig[Symbol.asyncDispose]();
  }
}

describe("a batch that hangs", () => {
  it("dead-letters nothing that its handler was never given, however long that waits", async () => {
    const letters = new HandPublisher();
    await using rig = new Rig({ failure: { ...quick, attempts: 2, deadLetter: { publisher: letters, topic: "dead" } } });
    const seen: string[] = [];
    const gate = deferred<void>();
    const handle: BatchHandler = async (messages) => {
      seen.push(...messages.map((message) => message.text()));
      if (seen.length === 2) await gate.promise;
    };
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 2,
      maxWaitMs: 1,
      concurrency: 2,
      orderBy: (m) => m.text()[0],
      middleware: [timeout(10)],
      abandonAfterMs: 60,
      handle,
    });
    await rig.router.start();
    await rig.send("t", "a1", "a2");
    await until(() => seen.length === 2, "the hanging batch");
    await rig.send("t", "a3", "a4");
    await turn(40);
    expect(seen).toEqual(["a1", "a2"]);
    expect(letters.texts).toEqual([]);
    await rig.router.idle();
    gate.resolve();
    expect(letters.texts).toEqual([]);
    expect(seen).toEqual(["a1", "a2", "a1", "a2", "a3", "a4"]);
  });

  it("handles with a time limit shorter than the wait for the batch", async () => {
    await using rig = new Rig({ failure: { ...quick, attempts: 3 } });
    const handled: string[] = [];
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 10,
      maxWaitMs: 60,
      middleware: [timeout(20)],
      handle: async (messages) => {
        await turn(1);
        handled.push(...messages.map((message) => `${message.text()}#${message.delivery.attempt}`));
      },
    });
    await rig.router.start();
    await rig.send("t", "1");
    await rig.router.idle();
    expect(handled).toEqual(["1#1"]);
    expect(rig.router.health().handlers.a?.counts).toMatchObject({ handled: 1, failed: 0, retried: 0 });
  });
});

describe("a time limit inside of middleware that carries on", () => {
  for (const [name, outer] of [
    ["retry", retry({ maxRetries: 1, minDelayMs: 1 })],
    ["ignoreErrors", ignoreErrors(() => true)],
    ["poisonQueue", undefined],
  ] as const) {
    it(`never lets two calls run at once at concurrency 1: ${name}`, async () => {
      const letters = new HandPublisher();
      await using scene = await new Scene().start({ middleware: [outer ?? poisonQueue({ publisher: letters, topic: "poison" }), timeout(10)] });
      scene.session.deliver("1", "2");
      await scene.called(1);
      await turn(40); // long beyond the limit
      expect(scene.texts).toEqual(["1"]);
      scene.gates[0]?.resolve();
      await scene.called(2);
      expect(scene.most).toBe(1);
    });
  }
});

describe("a message that is acked while its handler runs", () => {
  for (const [name, early] of [
    ["by instantAck", true],
    ["inside the handler", false],
  ] as const) {
    it(`is waited for: idle, stop and close end with the call, and its results are published (${name})`, async () => {
      await using rig = new Rig({ failure: quick });
      const output = await outputOf(rig.bus, "out");
      for (const end of ["idle", "close"] as const) {
        const gate = deferred<void>();
        const begun = deferred<void>();
        rig.router.addHandler({
          name: end,
          subscribe: end,
          publish: "out",
          middleware: early ? [instantAck()] : [],
          handle: async (message) => {
            if (!early) message.ack();
            begun.resolve();
            await gate.promise;
            return new Message(`of ${end}`);
          },
        });
        if (end === "idle") await rig.router.start();
        await rig.router.health();
        await until(() => rig.router.health().handlers[end]?.state === "running", "the handler to run");
        await rig.send(end, "1");
        await begun.promise;
        let over = false;
        const ending = rig.router[end]().then(() => {
          over = true;
        });
        await turn(20);
        expect(over).toBe(false);
        gate.resolve();
        await ending;
        await until(() => output.texts.includes(`of ${end}`), "the result");
      }
    });
  }

  it("is waited for by idle() each time, also when an earlier idle() has ended", async () => {
    await using scene = await new Scene().start({ middleware: [instantAck()] });
    for (const round of [1, 2]) {
      scene.session.deliver(String(round));
      await scene.called(round);
      let over = false;
      const idle = scene.rig.router.idle().then(() => {
        over = true;
      });
      await turn();
      expect(over).toBe(false);
      scene.gates[round - 1]?.resolve();
      await idle;
    }
  });

  it("keeps the order of its key: the next one of the key does not begin beside it", async () => {
    await using rig = new Rig({ failure: quick });
    const log: string[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      concurrency: 4,
      middleware: [instantAck()],
      handle: async (message) => {
        log.push(`begin ${message.text()}`);
        await turn(3);
        log.push(`end ${message.text()}`);
      },
    });
    await rig.router.start();
    await rig.send("t", ["k", "1"], ["k", "2"], ["k", "3"]);
    await rig.router.idle();
    expect(log).toEqual(["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
  });
});
