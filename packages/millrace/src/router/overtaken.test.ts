import { describe, expect, it } from "vitest";
import { PermanentError } from "../errors/index.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { Message, type Middleware, type Produced, type ReceivedMessage } from "../message/index.ts";
import { HandPublisher, HandSubscriber, outputOf, Rig, until } from "./rig.fixture.ts";

const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A pipeline whose first result cannot be published while the handler of the second message runs. */
class Scene implements AsyncDisposable {
  readonly subscriber = new HandSubscriber();
  readonly publisher = new HandPublisher();
  readonly dead = new HandPublisher();
  readonly rig: Rig;
  readonly seen: string[] = [];
  readonly second: Deferred<void> = deferred();
  most = 0;
  #running = 0;

  constructor() {
    const deadLetter = { publisher: this.dead, topic: "dead" };
    this.rig = new Rig({ subscriber: this.subscriber, failure: { minDelayMs: 0, maxDelayMs: 1, deadLetter } });
    this.publisher.onPublish = async (call) => {
      if (call > 1) return;
      await until(() => this.seen.length === 2, "the second call");
      throw new Error("refused");
    };
  }

  /** `onSecond`: what the second message's handler does at its first call, once the first one has failed. */
  async run(onSecond: (message: ReceivedMessage) => void, middleware: readonly Middleware[] = []): Promise<void> {
    const handle = async (message: ReceivedMessage): Promise<Message> => {
      this.seen.push(message.text());
      this.most = Math.max(this.most, ++this.#running);
      try {
        if (this.seen.length === 2) {
          await this.second.promise;
          onSecond(message);
        }
        return new Message(`out ${message.text()}`);
      } finally {
        this.#running--;
      }
    };
    const { publisher } = this;
    this.rig.router.addHandler({ name: "a", subscribe: "t", publish: { publisher, topic: "o" }, pipeline: 2, middleware, handle });
    await this.rig.router.start();
    this.subscriber.source.session.deliver({ id: "1", key: "k" }, { id: "2", key: "k" });
    await until(() => this.rig.router.health().handlers.a?.counts.failed === 1, "the failure of the first");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
  }
}

describe("a message of a pipeline whose predecessor failed while its handler ran", () => {
  it("fails for good only after that one: neither counted nor dead-lettered before", async () => {
    await using scene = new Scene();
    await scene.run(() => {
      throw new PermanentError("never");
    });
    scene.second.resolve();
    await scene.rig.router.idle();
    expect([scene.seen, scene.dead.texts]).toEqual([["1", "2", "1", "2"], []]);
    expect(scene.rig.router.health().handlers.a?.counts).toMatchObject({ handled: 2, failed: 1, deadLettered: 0 });
  });

  it("keeps its slot while its handler goes on behind a middleware that gave up", async () => {
    await using scene = new Scene();
    const gaveUp = deferred<void>();
    const impatient: Middleware = (next) => async (message) => {
      const result = next(message) as Promise<Produced>;
      if (scene.seen.length !== 2) return await result;
      await gaveUp.promise;
      return undefined;
    };
    await scene.run(() => {}, [impatient]);
    gaveUp.resolve();
    await turn();
    expect(scene.seen).toEqual(["1", "2"]);
    scene.second.resolve();
    await scene.rig.router.idle();
    expect([scene.seen, scene.most]).toEqual([["1", "2", "1", "2"], 1]);
  });

  it("has its result published when the handler acks it itself: it would not come again", async () => {
    await using scene = new Scene();
    await scene.run((message) => expect(message.ack()).toBe(true));
    scene.second.resolve();
    await scene.rig.router.idle();
    expect(scene.seen).toEqual(["1", "2", "1"]);
    expect(scene.publisher.texts).toEqual(["out 1", "out 2", "out 1"]);
    expect(scene.rig.router.health().handlers.a?.counts).toMatchObject({ handled: 2 });
  });
});

describe("what was not handled", () => {
  it("is no failure when a pipeline hands it back because it stops", async () => {
    await using rig = new Rig();
    await outputOf(rig.bus, "o");
    const gate = deferred<void>();
    let calls = 0;
    const handle = async (message: ReceivedMessage): Promise<Message> => {
      calls++;
      await gate.promise;
      return message.copy();
    };
    rig.router.addHandler({ name: "a", subscribe: "t", publish: "o", pipeline: 3, handle });
    const told: string[] = [];
    rig.router.observe({ handled: ({ message, outcome }) => void told.push(`${message.text()} ${outcome}`) });
    await rig.router.start();
    await rig.send("t", "1", "2", "3");
    await until(() => rig.router.health().handlers.a?.inFlight === 3, "all in hand");
    await turn();
    const closing = rig.router.close();
    await turn();
    gate.resolve();
    await closing;
    expect([calls, told.sort()]).toEqual([1, ["1 acked", "2 returned", "3 returned"]]);
    expect(rig.router.health().handlers.a).toMatchObject({ counts: { handled: 1, failed: 0, retried: 0 }, lastError: undefined });
  });

  it("is no failure when its delivery is lost while its batch gathers", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    rig.router.addBatchHandler({ name: "a", subscribe: "t", size: 5, maxWaitMs: 50, handle: () => {} });
    const told: string[] = [];
    rig.router.observe({ handled: ({ message, outcome }) => void told.push(`${message.text()} ${outcome}`) });
    await rig.router.start();
    subscriber.source.session.deliver("1");
    await until(() => rig.router.health().handlers.a?.inFlight === 1, "the message");
    await turn();
    subscriber.source.session.intake.lose();
    await until(() => told.length > 0, "its end");
    expect(told).toEqual(["1 lost"]);
    expect(rig.router.health().handlers.a).toMatchObject({ counts: { handled: 0, failed: 0 }, lastError: undefined });
  });
});

describe("a message of a pipeline that is lost and refused by its handler", () => {
  it("sends the later ones of its key back with it", async () => {
    const subscriber = new HandSubscriber();
    const publisher = new HandPublisher();
    await using rig = new Rig({ subscriber });
    const seen: string[] = [];
    const gate = deferred<void>();
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "o" },
      pipeline: 2,
      handle: async (message) => {
        seen.push(message.text());
        if (message.text() !== "1") return new Message(message.text());
        await gate.promise;
        expect(message.nack()).toBe(false);
        return [];
      },
    });
    const told: string[] = [];
    rig.router.observe({ handled: ({ message, outcome }) => void told.push(`${message.text()} ${outcome}`) });
    await rig.router.start();
    const { session } = subscriber.source;
    session.deliver("1", "2");
    await until(() => seen.length === 1, "the call");
    session.intake.lose(({ id }) => id === "1");
    gate.resolve();
    await until(() => rig.router.health().handlers.a?.counts.handled === 1, "the second");
    // In the end it comes without the first: that one is another member's now.
    expect([told.slice(0, 2), told.at(-1)]).toEqual([["1 lost", "2 returned"], "2 acked"]);
  });
});
