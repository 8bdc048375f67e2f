import { describe, expect, it } from "vitest";
import { type MillraceError, PermanentError } from "../errors/index.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type Middleware } from "../message/index.ts";
import { retry } from "../middleware/index.ts";
import { HandPublisher, HandSubscriber, Rig, until } from "./rig.fixture.ts";

const quick = { minDelayMs: 0, maxDelayMs: 1 };
const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const keyed = (...texts: string[]): (readonly [string, string])[] => texts.map((text) => ["k", text] as const);

/** The first time that something is asked for, it is refused. */
function once(): (text: string) => boolean {
  const known = new Set<string>();
  return (text) => known.size < known.add(text).size;
}

describe("what is behind a failed message of its key goes back with it", () => {
  it("in a batch handler that ends: the failed one is handled first in the next run", async () => {
    const bus = new MemoryPubSub({ persistent: true });
    await using rig = new Rig({ subscriber: bus, failure: quick });
    const gate = deferred<void>();
    const handled: string[] = [];
    let failed = false;
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 1,
      maxWaitMs: 1,
      concurrency: 4,
      handle: async (messages) => {
        if (!failed) await gate.promise;
        if (!failed && messages[0]?.text() === "1") {
          failed = true;
          throw new Error("down for a moment");
        }
        handled.push(...messages.map((message) => message.text()));
      },
    });
    await rig.router.start();
    await bus.publish(
      "t",
      keyed("1", "2", "3").map(([key, text]) => new Message(text, { key })),
    );
    await until(() => rig.router.health().handlers.a?.inFlight === 3, "all in hand");
    const closing = rig.router.close();
    gate.resolve();
    await closing;
    await rig.router.start();
    await rig.router.idle();
    expect(handled).toEqual(["1", "2", "3"]);
    await rig.router.close();
    await bus.close();
  });

  it("in a pipeline whose next message goes to the dead letter: that one waits for the verdict before it", async () => {
    const publisher = new HandPublisher();
    const letters = new HandPublisher();
    const first = once();
    await using rig = new Rig({ failure: { ...quick, deadLetter: { publisher: letters, topic: "dead" } } });
    publisher.onPublish = async (_call, [message]) => {
      if (message?.text() !== "2" || !first("2")) return;
      await turn(20);
      throw new Error("not confirmed");
    };
    const acked: string[] = [];
    letters.onPublish = async (_call, [message]) => {
      await turn(0); // `settled` tells a moment after the verdict
      acked.push(`dead ${message?.text()}`);
    };
    rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "out" },
      pipeline: 8,
      handle: (message) => {
        void message.settled.then((verdict) => verdict === "acked" && acked.push(message.text()));
        if (message.text() === "3") throw new PermanentError("bad");
        return new Message(message.text());
      },
    });
    await rig.router.start();
    await rig.send("t", ...keyed("1", "2", "3", "4", "5"));
    await rig.router.idle();
    await turn();
    expect(acked).toEqual(["1", "2", "dead 3", "3", "4", "5"]);
    const last = ["2", "4", "5"].map((text) => publisher.texts.lastIndexOf(text));
    expect(last).toEqual([...last].sort((one, other) => one - other));
  });

  it("in a pipeline that is paused after the failure", async () => {
    await using rig = new Rig({ failure: quick });
    const gates = new Map<string, Deferred<void>>();
    const publisher = new HandPublisher();
    const confirmed: string[] = [];
    const first = once();
    publisher.onPublish = async (_call, [message]) => {
      const text = message?.text() ?? "";
      const gate = deferred<void>();
      if (first(text)) {
        gates.set(text, gate);
        await gate.promise;
      }
      confirmed.push(text);
    };
    const handle = rig.router.addHandler({
      name: "a",
      subscribe: "t",
      publish: { publisher, topic: "out" },
      pipeline: 4,
      handle: (message) => new Message(message.text()),
    });
    await rig.router.start();
    await rig.send("t", ...keyed("1", "2"));
    await until(() => gates.size === 2, "both on their way");
    gates.get("1")?.reject(new Error("not confirmed"));
    await turn();
    handle.pause();
    gates.get("2")?.resolve();
    await turn();
    handle.resume();
    await rig.router.idle();
    expect(confirmed).toEqual(["2", "1", "2"]); // 2 once more, behind 1
  });

  it("in batches with a retry around each message that are paused meanwhile", async () => {
    await using rig = new Rig({ failure: quick });
    const seen: string[] = [];
    const first = once();
    const handle = rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 2,
      maxWaitMs: 1,
      concurrency: 2,
      middleware: [retry({ maxRetries: 2, minDelayMs: 30, jitter: 0 })],
      handle: (messages, batch) => {
        for (const message of messages) {
          if (message.text() === "1" && first("1")) batch.fail(message, new Error("not yet"));
          else if (!(message.text() === "2" && seen.length === 0)) seen.push(message.text());
        }
      },
    });
    await rig.router.start();
    await rig.send("t", ...keyed("1", "2", "3", "4"));
    await turn(10);
    handle.pause();
    await turn(5);
    handle.resume();
    await rig.router.idle();
    expect(seen).toEqual(["1", "2", "3", "4"]);
  });
});

describe("a batch takes the messages of a key in lane order", () => {
  it("and none behind one that middleware has not let through to its verdict", async () => {
    await using rig = new Rig({ failure: quick });
    const handled: string[] = [];
    const first = once();
    const failsLate: Middleware = (next) => async (message) => {
      await next(message);
      await turn(3);
      if (message.text() === "1" && first("1")) throw new Error("failed after next");
    };
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 1,
      maxWaitMs: 1,
      concurrency: 4,
      middleware: [failsLate],
      handle: (messages) => void handled.push(...messages.map((message) => message.text())),
    });
    await rig.router.start();
    await rig.send("t", ...keyed("1", "2", "3"));
    await rig.router.idle();
    expect(handled).toEqual(["1", "1", "2", "3"]);
  });

  it("also when middleware is slower with an earlier one than with a later one", async () => {
    await using rig = new Rig({ failure: quick });
    const handled: string[] = [];
    const slowest: Middleware = (next) => async (message) => {
      await turn(message.text() === "1" ? 20 : 0);
      return await next(message);
    };
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 3,
      maxWaitMs: 1,
      middleware: [slowest],
      handle: (messages) => void handled.push(...messages.map((message) => message.text())),
    });
    await rig.router.start();
    await rig.send("t", ...keyed("1", "2", "3"));
    await rig.router.idle();
    expect(handled).toEqual(["1", "2", "3"]);
  });

  it("and none behind one that was lost before the batch began, as long as middleware holds that one", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber, failure: quick });
    const begun: string[] = [];
    const gates = [deferred<void>(), deferred<void>()];
    const holding = deferred<void>();
    const told: string[] = [];
    const holds: Middleware = (next) => async (message) => {
      try {
        return await next(message);
      } catch (error) {
        told.push(`${message.id} ${(error as MillraceError).code}`);
        await holding.promise;
        throw error;
      }
    };
    rig.router.addBatchHandler({
      name: "a",
      subscribe: "t",
      size: 2,
      maxWaitMs: 1,
      concurrency: 2,
      middleware: [holds],
      handle: async (messages) => {
        begun.push(...messages.map(({ id }) => id));
        await gates[begun.length - 1]?.promise;
      },
    });
    await rig.router.start();
    const { session } = subscriber.source;
    for (const [index, id] of ["x", "y"].entries()) {
      session.deliver({ id, key: id });
      await until(() => begun.length === index + 1, id);
    }
    session.deliver({ id: "1", key: "k" }, { id: "2", key: "k" });
    await turn(10); // they are due, and there is no slot
    session.intake.lose(({ id }) => id === "1");
    await turn(1);
    gates[0]?.resolve();
    await turn(10);
    expect([begun, session.told, told]).toEqual([["x", "y"], ["ack x"], ["1 DELIVERY_LOST"]]);
    holding.resolve();
    gates[1]?.resolve();
    await until(() => session.told.includes("ack 2"), "its turn when the other one is judged");
  });

  it("and settles them in that order, although middleware holds the first one longer", async () => {
    await using rig = new Rig({ failure: quick });
    const settled: string[] = [];
    const slow: Middleware = (next) => async (message) => {
      void message.settled.then(() => settled.push(message.text()));
      await next(message);
      await turn(message.text() === "1" ? 20 : 0);
    };
    rig.router.addBatchHandler({ name: "a", subscribe: "t", size: 3, maxWaitMs: 1, middleware: [slow], handle: () => {} });
    await rig.router.start();
    await rig.send("t", ...keyed("1", "2", "3"));
    await rig.router.idle();
    expect(settled).toEqual(["1", "2", "3"]);
  });
});
