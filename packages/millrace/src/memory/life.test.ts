import { describe, expect, it } from "vitest";
import { OptionError } from "../errors/index.ts";
import { silentLogger } from "../logger/index.ts";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { Message } from "../message/index.ts";
import { texts } from "./collect.fixture.ts";
import { MemoryPubSub } from "./index.ts";

describe("options", () => {
  it("of the constructor are checked together", () => {
    const options = { persistent: "yes", blockPublishUntilAck: 1, bufferSize: 0, logger: {} } as object;
    const error = caught(() => new MemoryPubSub(options));
    expect(error).toMatchObject({ code: "BAD_OPTION" });
    expect(error.problems.map((problem) => problem.split(" ")[0])).toEqual(["persistent", "blockPublishUntilAck", "bufferSize", "logger"]);
  });

  it("of subscribe are checked together", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    const options = { group: "", maxInFlight: 0, orderBy: "all", from: { time: "now" } } as object;
    const error = (await bus.subscribe("", options).catch((thrown: unknown) => thrown)) as OptionError;
    expect(error).toBeInstanceOf(OptionError);
    expect(error.problems.map((problem) => problem.split(" ")[0])).toEqual(["topic", "group", "maxInFlight", "orderBy", "from"]);
  });

  it("that a pub/sub without history cannot meet are refused, never replaced", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    for (const from of ["earliest", { time: new Date() }, { position: "1" }] as const) {
      await expect(bus.subscribe("t", { from })).rejects.toBeInstanceOf(OptionError);
      await expect(bus.provision("t", { group: "g", from })).rejects.toBeInstanceOf(OptionError);
    }
    await using persistent = new MemoryPubSub({ persistent: true, logger: silentLogger });
    await expect(persistent.subscribe("t", { from: { position: "first" } })).rejects.toBeInstanceOf(OptionError);
  });

  it("of publish are checked: a topic, and messages", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    await bus.subscribe("t");
    await expect(bus.publish("", new Message("x"))).rejects.toBeInstanceOf(OptionError);
    await expect(bus.publish("t", "x" as unknown as Message)).rejects.toMatchObject({ problems: ['messages[0] must be a Message, got "x"'] });
    await expect(bus.publish("t", [new Message("x"), {} as Message])).rejects.toMatchObject({ problems: ["messages[1] must be a Message, got an object"] });
    await bus.publish("t", []);
  });
});

describe("close", () => {
  it("ends subscriptions and refuses what comes after it, once", async () => {
    const bus = new MemoryPubSub({ logger: silentLogger });
    const subscription = await bus.subscribe("t");
    const reading = texts(subscription, 1);
    const [first, second] = [bus.close(), bus.close()];
    await Promise.all([first, second]);
    expect(await reading).toEqual([]);
    await subscription.closed;
    await expect(bus.publish("t", new Message("x"))).rejects.toMatchObject({ code: "CLOSED", outcomes: ["rejected"] });
    await expect(bus.subscribe("t")).rejects.toMatchObject({ code: "CLOSED" });
    await expect(bus.provision("t", { group: "g" })).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("refuses a publish while it still waits for a reader: nothing is accepted and dropped", async () => {
    const bus = new MemoryPubSub({ logger: silentLogger });
    const subscription = await bus.subscribe("t");
    await bus.publish("t", new Message("x"));
    const { value: inHand } = await subscription[Symbol.asyncIterator]().next();
    const closing = bus.close();
    await expect(bus.publish("t", new Message("y"))).rejects.toMatchObject({ code: "CLOSED" });
    inHand?.ack();
    await closing;
  });

  it("never runs into a publish to a persistent topic", async () => {
    const bus = new MemoryPubSub({ persistent: true, logger: silentLogger });
    const outcomes: string[] = [];
    const publishing = Promise.all(
      Array.from({ length: 200 }, async () => {
        for (let round = 0; round < 5; round++) {
          await bus.publish("t", new Message("x")).then(
            () => outcomes.push("confirmed"),
            (error: { code: string }) => outcomes.push(error.code),
          );
          await new Promise((resolve) => setImmediate(resolve));
        }
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    await bus.close();
    await publishing;
    expect(new Set(outcomes)).toEqual(new Set(["confirmed", "CLOSED"]));
  });
});

describe("what comes and goes", () => {
  it("leaves nothing behind: 100 topics with short-lived readers, and 100 that nobody reads", async () => {
    const logger = new RecordingLogger();
    await using bus = new MemoryPubSub({ logger });
    for (let index = 0; index < 100; index++) {
      const subscription = await bus.subscribe(`read-${index}`, { group: "g" });
      await bus.publish(`read-${index}`, new Message("x"));
      await subscription[Symbol.asyncDispose]();
      await bus.publish(`unread-${index}`, new Message("x"));
    }
    logger.lines.length = 0;
    for (let index = 0; index < 100; index++) await bus.publish(`read-${index}`, new Message("x"));
    // A topic that is still known keeps silent about messages that nobody reads.
    expect(logger.saying("nobody has subscribed")).toHaveLength(100);
  });

  it("leaves no group behind when a subscription could not begin", async () => {
    await using bus = new MemoryPubSub({ bufferSize: 1, logger: silentLogger });
    await expect(bus.subscribe("t", { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
    const began = performance.now();
    for (let count = 0; count < 3; count++) await bus.publish("t", new Message("x"));
    expect(performance.now() - began).toBeLessThan(40);
  });

  it("forgets a group without members unless it was provisioned", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    await bus.provision("t", { group: "kept" });
    for (const group of ["kept", "gone"]) await (await bus.subscribe("t", { group })).close();
    await bus.publish("t", new Message("between"));
    await bus.publish("t", new Message("after"));
    expect(await texts(await bus.subscribe("t", { group: "kept" }), 2)).toEqual(["between", "after"]);
    const gone = await bus.subscribe("t", { group: "gone" });
    await bus.publish("t", new Message("new"));
    expect(await texts(gone, 1)).toEqual(["new"]);
  });
});

function caught(run: () => unknown): OptionError {
  try {
    run();
  } catch (error) {
    if (error instanceof OptionError) return error;
  }
  throw new Error("no OptionError was thrown");
}
