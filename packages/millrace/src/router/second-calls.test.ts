import { describe, expect, it, vi } from "vitest";
import type { HandMessage } from "../adapter/hand-source.fixture.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { Message, type Middleware, type ReceivedMessage } from "../message/index.ts";
import { STRIPPED } from "../message/stripped.fixture.ts";
import { duplicator, instantAck, timeout } from "../middleware/index.ts";
import type { HandlerOptions } from "./index.ts";
import { HandPublisher, HandSubscriber, Rig, until } from "./rig.fixture.ts";

const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A handler that does at each call what the test says, and how many of its calls run. */
class Scene implements AsyncDisposable {
  readonly subscriber = new HandSubscriber();
  readonly rig: Rig = new Rig({ subscriber: this.subscriber, failure: { minDelayMs: 0, maxDelayMs: 1 } });
  readonly gates: Deferred<void>[] = [];
  running = 0;
  most = 0;

  async start(options: Partial<HandlerOptions>, onCall: (message: ReceivedMessage, call: number) => void = () => {}): Promise<void> {
    const handle = async (message: ReceivedMessage): Promise<void> => {
      this.most = Math.max(this.most, ++this.running);
      const gate = deferred<void>();
      const call = this.gates.push(gate);
      onCall(message, call);
      await gate.promise;
      this.running--;
    };
    this.rig.router.addConsumerHandler({ name: "a", subscribe: "t", ...options, handle });
    await this.rig.router.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const gate of this.gates) gate.resolve();
    await this.rig[Symbol.asyncDispose]();
  }
}

describe("no second call of a message runs beside the first", () => {
  const named: readonly [string, HandMessage] = ["with a place and an id", { id: "1" }];
  const nameless: readonly [string, HandMessage] = ["that has neither place nor id", { id: "", place: null, payload: "nameless" }];
  // A foreign message without place and id cannot be recognised when it comes again.
  for (const [what, message] of STRIPPED ? [named] : [named, nameless]) {
    it(`when its handler nacks it and goes on (a message ${what})`, async () => {
      await using scene = new Scene();
      await scene.start({ concurrency: 2 }, (received, call) => call === 1 && received.nack());
      const { session } = scene.subscriber.source;
      session.deliver(message);
      await until(() => scene.gates.length === 1, "the call");
      await turn();
      expect(scene.gates).toHaveLength(1);
      scene.gates[0]?.resolve();
      await until(() => scene.gates.length === 2, "the next one");
      expect(scene.most).toBe(1);
      scene.gates[1]?.resolve();
      await until(() => session.told.length === 1, "its verdict");
      expect(scene.rig.router.health().handlers.a?.counts).toMatchObject({ handled: 1, retried: 1 });
    });
  }

  it("when it acked early and its ack got lost, with the delivery, before it was durable; nor after it, when it succeeds", async () => {
    await using scene = new Scene();
    await scene.start({ concurrency: 2 }, (received) => received.ack());
    const { session } = scene.subscriber.source;
    const refused = deferred<void>();
    session.onSettle = () => refused.promise;
    session.deliver("1");
    await until(() => scene.gates.length === 1, "the call");
    session.intake.lose();
    session.deliver("1");
    await turn();
    expect(scene.gates).toHaveLength(1);
    scene.gates[0]?.resolve();
    refused.resolve();
    await scene.rig.router.idle();
    expect([scene.gates.length, scene.rig.router.health().handlers.a?.counts.handled]).toEqual([1, 1]);
  });

  it("when its ack got lost while its results were on their way through a pipeline", async () => {
    const subscriber = new HandSubscriber();
    const publisher = new HandPublisher();
    await using rig = new Rig({ subscriber });
    const [refused, confirmed] = [deferred<void>(), deferred<void>()];
    publisher.onPublish = () => confirmed.promise;
    const handle = (message: ReceivedMessage): Message => {
      message.ack();
      return new Message("out");
    };
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "o" }, pipeline: 1, handle });
    await rig.router.start();
    const { session } = subscriber.source;
    session.onSettle = () => refused.promise;
    session.deliver("1");
    await until(() => publisher.calls.length === 1, "the results");
    session.intake.lose();
    session.deliver("1");
    await turn();
    confirmed.resolve();
    refused.resolve();
    await rig.router.idle();
    expect(publisher.texts).toEqual(["out"]);
  });

  it("when a middleware that was given up on calls its handler once more", async () => {
    await using scene = new Scene();
    await scene.start({ middleware: [timeout(10), duplicator()] });
    scene.subscriber.source.session.deliver("1");
    await turn(20);
    scene.gates[0]?.resolve();
    await until(() => scene.gates.length === 2, "the second half");
    await turn(20);
    expect(scene.gates).toHaveLength(2);
    scene.gates[1]?.resolve();
    await until(() => scene.gates.length === 3, "the next attempt");
    expect(scene.most).toBe(1);
  });
});

describe("no call is begun", () => {
  /** Takes so many turns of the promises to tell how the handler ended. */
  const slowly =
    (turns: number): Middleware =>
    (next) =>
    async (message) => {
      const produced = await next(message);
      for (let count = 0; count < turns; count++) await Promise.resolve();
      return produced;
    };

  const timedOut = ({ rig }: Scene): Promise<void> => until(() => rig.router.health().handlers.a?.lastError !== undefined, "the timeout");

  it("by a middleware that a timeout has given up on, once the first call has ended", async () => {
    for (let turns = 0; turns < 12; turns++) expect([turns, ...(await givenUp(timeout(10), turns, timedOut))]).toEqual([turns, 1, 0]);
  });

  it("by a middleware that a race has given up on, once the first call has ended", async () => {
    for (let turns = 0; turns < 12; turns++) {
      const other = deferred<void>();
      const race: Middleware = (next) => async (message) => void (await Promise.race([next(message), other.promise]));
      expect([turns, ...(await givenUp(race, turns, async () => other.resolve()))]).toEqual([turns, 1, 1]);
    }
  });

  /** How many calls there were, and how many messages were handled, after the first call has ended behind what gave up on it. */
  async function givenUp(givesUp: Middleware, turns: number, untilGivenUp: (scene: Scene) => Promise<void>): Promise<[number, number | undefined]> {
    await using scene = new Scene();
    await scene.start({ middleware: [givesUp, duplicator(), slowly(turns)], failure: { minDelayMs: 60_000, maxDelayMs: 60_000 } });
    scene.subscriber.source.session.deliver("1");
    await until(() => scene.gates.length === 1, "the call");
    await untilGivenUp(scene);
    await turn();
    scene.gates[0]?.resolve();
    await turn(20);
    return [scene.gates.length, scene.rig.router.health().handlers.a?.counts.handled];
  }
});

describe("a call that outlives its failure", () => {
  it("has health tell the error at once, before it has ended", async () => {
    await using scene = new Scene();
    await scene.start({ middleware: [timeout(10)] });
    scene.subscriber.source.session.deliver("1");
    await until(() => scene.rig.router.health().handlers.a?.lastError !== undefined, "the error");
    expect([scene.running, scene.rig.router.health().handlers.a?.lastError]).toMatchObject([1, { code: "HANDLER_TIMEOUT" }]);
  });
});

describe("a message that was acked before its handler", () => {
  it("has its result published, though the handler says nack: it will not come again", async () => {
    const publisher = new HandPublisher();
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    const handle = (message: ReceivedMessage): Message => {
      expect(message.nack()).toBe(false);
      return new Message("out");
    };
    rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "o" }, middleware: [instantAck()], handle });
    const told: string[] = [];
    rig.router.observe({ handled: ({ outcome }) => void told.push(outcome) });
    await rig.router.start();
    subscriber.source.session.deliver("1");
    await until(() => told.length === 1, "its end");
    expect([told, publisher.texts]).toEqual([["acked"], ["out"]]);
  });
});

describe("a message that cannot be settled while its handler stops", () => {
  it("holds the stop up no longer", async () => {
    await using scene = new Scene();
    await scene.start({}, (message) => {
      message.ack = () => {
        throw new Error("no connection");
      };
    });
    scene.subscriber.source.session.deliver("1");
    await until(() => scene.running === 1, "the call");
    const began = performance.now();
    const closing = scene.rig.router.close({ timeoutMs: 5000 });
    scene.gates[0]?.resolve();
    await closing.catch(() => {});
    expect(performance.now() - began).toBeLessThan(2500);
  });
});

it("the success of a call that lost its delivery is remembered until the ack of a redelivery holds", async () => {
  await using scene = new Scene();
  await scene.start({ concurrency: 2, orderBy: "none" });
  const { session } = scene.subscriber.source;
  session.deliver("m");
  await until(() => scene.gates.length === 1, "the call");
  session.intake.lose();
  scene.gates[0]?.resolve();
  session.lost.add("m"); // as soon as it comes again
  session.deliver("m");
  await turn();
  session.lost.delete("m");
  session.deliver("m");
  await until(() => session.told.length === 1, "the ack");
  expect([scene.gates.length, session.told]).toEqual([1, ["ack m"]]);
});

it("the success of a call that lost its delivery counts no more when an earlier message of its key is handled again", async () => {
  await using scene = new Scene();
  await scene.start({ concurrency: 2 });
  const { session } = scene.subscriber.source;
  for (const [index, id] of ["2", "1", "2"].entries()) {
    session.deliver({ id, key: "k" });
    await until(() => scene.gates.length === index + 1, `call ${index + 1}`);
    if (index === 0) session.intake.lose();
    scene.gates[index]?.resolve();
    await turn();
  }
  expect(session.told).toEqual(["ack 1", "ack 2"]);
});

it("the success of a call that lost its delivery is remembered for 30 s, and for one redelivery", async () => {
  vi.useFakeTimers();
  const scene = new Scene();
  await scene.start({ concurrency: 2, orderBy: "none" });
  const { session } = scene.subscriber.source;
  const calls: number[] = [];
  const comes = async (id: string): Promise<void> => {
    session.deliver(id);
    await vi.advanceTimersByTimeAsync(1);
    calls.push(scene.gates.length);
  };
  await comes("m");
  await comes("n");
  session.intake.lose();
  for (const gate of scene.gates) gate.resolve();
  await vi.advanceTimersByTimeAsync(29_000);
  await comes("m"); // acked without a call
  await comes("m");
  await vi.advanceTimersByTimeAsync(1_000);
  await comes("n");
  vi.useRealTimers();
  await scene[Symbol.asyncDispose]();
  expect([calls, session.told[0]]).toEqual([[1, 2, 2, 3, 4], "ack m"]);
});
