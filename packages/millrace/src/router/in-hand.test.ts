import { describe, expect, it } from "vitest";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { Message, type ReceivedMessage, transformSubscriber } from "../message/index.ts";
import { timeout } from "../middleware/index.ts";
import type { HandlerOptions } from "./index.ts";
import { HandPublisher, HandSubscriber, Rig, until } from "./rig.fixture.ts";

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

describe("a message in hand is known by its delivery, not by its id", () => {
  for (const id of ["", "same"]) {
    it(`so that with ids ${JSON.stringify(id)} no other message is acked for one whose call outlived its delivery`, async () => {
      await using scene = await new Scene().start({ concurrency: 4, orderBy: "none" });
      const { session } = scene;
      session.deliver({ id, place: "1", payload: "first" });
      await scene.called(1);
      session.intake.lose();
      scene.gates[0]?.resolve();
      await turn();
      session.deliver({ id, place: "2", payload: "second" });
      await scene.called(2);
      expect(scene.texts).toEqual(["first", "second"]);
      session.deliver({ id, place: "1", payload: "first" });
      await until(() => session.told.includes("ack 1"), "the ack of the redelivery");
      expect(scene.texts).toEqual(["first", "second"]); // the redelivery itself is recognised
    });
  }

  it("so that a message with neither id nor place is never taken for another", async () => {
    await using scene = await new Scene().start({ concurrency: 4, orderBy: "none" });
    const { session } = scene;
    session.deliver({ id: "", place: null, payload: "first" });
    await scene.called(1);
    session.intake.lose();
    scene.gates[0]?.resolve();
    await turn();
    session.deliver({ id: "", place: null, payload: "second" });
    await scene.called(2);
    expect(scene.texts).toEqual(["first", "second"]);
  });

  it("so that a failing message waits for its own call only, not for those of strangers with the same id", async () => {
    await using scene = await new Scene().start({ concurrency: 4, orderBy: "none", middleware: [timeout(20)], abandonAfterMs: 20_000 });
    const { session } = scene;
    session.deliver({ id: "", place: "hangs", payload: "hangs" });
    await scene.called(1);
    session.deliver({ id: "", place: "fails", payload: "fails" });
    await scene.called(2);
    scene.gates[1]?.reject(new Error("boom"));
    await scene.called(3); // its second attempt, long before the other ends
    expect(scene.texts).toEqual(["hangs", "fails", "fails"]);
  });

  it("so that a redelivery waits for the run behind any decorator, and a hung call frees its slot all the same", async () => {
    await using scene = new Scene();
    scene.rig.router.addSubscriberDecorators(transformSubscriber((message) => message.derive({ metadata: { seen: "yes" } })));
    await scene.start({ abandonAfterMs: 40, concurrency: 2, orderBy: "none" });
    const { session } = scene;
    session.deliver("m");
    await scene.called(1);
    session.intake.lose();
    session.deliver("m");
    await turn(10);
    expect(scene.calls).toHaveLength(1); // not twice at once
    await scene.called(2); // the first was abandoned
    expect([scene.rig.logger.saying("abandoned").length, scene.rig.router.health().handlers.a?.counts.abandoned]).toEqual([1, 1]);
  });
});

describe("a call that outlives its delivery", () => {
  it("is no success when its handler said nack, although nobody heard it: the redelivery is handled", async () => {
    await using rig = new Rig({ subscriber: new HandSubscriber(), failure: quick });
    const subscriber = new HandSubscriber();
    const gate = deferred<void>();
    let calls = 0;
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: { subscriber, topic: "t" },
      handle: async (message) => {
        if (++calls > 1) return;
        await gate.promise;
        message.nack();
      },
    });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver("m");
    await until(() => calls === 1, "the call");
    session.intake.lose();
    session.deliver("m");
    gate.resolve();
    await until(() => session.told.includes("ack m"), "the ack");
    expect(calls).toBe(2);
  });

  it("frees its place in a pipeline when it is abandoned, and the redelivery is handled", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: quick });
    const publisher = new HandPublisher();
    const gates: Deferred<void>[] = [];
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "out" },
      pipeline: 4,
      abandonAfterMs: 30,
      handle: async (message) => {
        const gate = deferred<void>();
        if (gates.push(gate) === 1) await gate.promise;
        return new Message(message.text());
      },
    });
    await rig.router.start();
    subscriber.source.session.deliver("m", "n");
    await until(() => gates.length === 1, "the call");
    subscriber.source.session.intake.lose();
    subscriber.source.session.deliver("m", "n");
    await until(() => publisher.texts.length === 2, "both results");
    expect(publisher.texts).toEqual(["m", "n"]);
    gates[0]?.resolve();
  });

  it("frees its batch's place when it is abandoned, and the redelivery is handled", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: quick });
    const batches: string[][] = [];
    const gate = deferred<void>();
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 2,
      maxWaitMs: 1000, // both calls are abandoned at about the same time
      abandonAfterMs: 30,
      handle: async (messages) => {
        if (batches.push(messages.map((message) => message.text())) === 1) await gate.promise;
      },
    });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver("m", "n");
    await until(() => batches.length === 1, "the batch");
    session.intake.lose();
    session.deliver("m", "n");
    await until(() => session.told.length === 2, "both acks");
    expect(batches).toEqual([
      ["m", "n"],
      ["m", "n"],
    ]);
    gate.resolve();
  });

  it("frees its batch's place each time for those that wait for it", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: quick });
    const batches: string[][] = [];
    const gate = deferred<void>();
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 1,
      maxWaitMs: 1,
      abandonAfterMs: 10,
      handle: async (messages) => {
        if (batches.push(messages.map((message) => message.text())) < 3) await gate.promise;
      },
    });
    await rig.router.start();
    const { session } = subscriber.source;
    for (const [index, id] of ["m", "n", "o"].entries()) {
      session.deliver(id);
      await until(() => batches.length === index + 1, id);
      session.intake.lose();
    }
    expect(batches).toEqual([["m"], ["n"], ["o"]]);
    gate.resolve();
  });

  it("keeps its slot in the next run of the router, and a success counts there", async () => {
    await using rig = new Rig({ failure: quick });
    const gate = deferred<void>();
    const calls: string[] = [];
    let running = 0;
    let most = 0;
    await rig.bus.provision("t", { group: "a" });
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: async (message) => {
        calls.push(message.text());
        most = Math.max(most, ++running);
        if (calls.length === 1) await gate.promise;
        running--;
      },
    });
    await rig.router.start();
    await rig.send("t", "1", "2");
    await until(() => calls.length === 1, "the call");
    await rig.router.close({ timeoutMs: 5 });
    await rig.router.start();
    await turn(20);
    expect(calls).toEqual(["1"]);
    gate.resolve();
    await rig.router.idle();
    expect([calls, most]).toEqual([["1", "2"], 1]); // the first was acked without a second call
  });
});

it("a handler that asks for the signal only after the loss finds it aborted, with the reason", async () => {
  await using scene = await new Scene().start();
  scene.session.deliver("1");
  await scene.called(1);
  scene.session.intake.lose();
  await turn();
  expect([scene.calls[0]?.signal.aborted, scene.calls[0]?.signal.reason]).toMatchObject([true, { code: "DELIVERY_LOST" }]);
});
