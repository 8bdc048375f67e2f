import { afterEach, describe, expect, it, vi } from "vitest";
import type { LogFields, Logger } from "../logger/index.ts";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { Message } from "../message/index.ts";
import { texts } from "./collect.fixture.ts";
import { MemoryPubSub, type MemoryPubSubOptions } from "./index.ts";

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index)));

function recorded(options: MemoryPubSubOptions = {}): { readonly bus: MemoryPubSub; readonly logger: RecordingLogger; warnings(): readonly LogFields[] } {
  const logger = new RecordingLogger();
  return { bus: new MemoryPubSub({ ...options, logger }), logger, warnings: () => logger.at("warn").map(({ fields }) => fields) };
}

afterEach(() => void vi.restoreAllMocks());

describe("a pub/sub that closes", () => {
  it("says how many confirmed messages of a topic it forgets, of readers without a group as well", async () => {
    const { bus, warnings } = recorded();
    const subscription = await bus.subscribe("t");
    await bus.publish("t", numbered(50));
    await texts(subscription, 5);
    await bus.close();
    expect(warnings()).toEqual([{ topic: "t", count: 45, delayed: 0, groups: [] }]);
  });

  it("counts no message whose publisher is told that its fate is not known", async () => {
    const { bus, warnings } = recorded({ persistent: true, blockPublishUntilAck: true });
    await bus.provision("t", { group: "g" });
    const publishing = bus.publish("t", new Message("x"));
    const refused = expect(publishing).rejects.toMatchObject({ code: "CLOSED", outcomes: ["unknown"] });
    await bus.close();
    await refused;
    expect(warnings()).toEqual([]);
  });

  it("counts a message once however many groups have not settled it, members in hand and groups without members included", async () => {
    const { bus, warnings } = recorded();
    for (const group of ["kept", "done"]) await bus.provision("t", { group });
    const busy = await bus.subscribe("t", { group: "busy", maxInFlight: 5 });
    await bus.publish("t", numbered(10));
    await texts(await bus.subscribe("t", { group: "done" }), 10);
    await texts(busy, 3);
    const iterator = busy[Symbol.asyncIterator]();
    await iterator.next();
    await bus[Symbol.asyncDispose]();
    expect(warnings().filter(({ groups }) => groups !== undefined)).toEqual([{ topic: "t", count: 10, delayed: 0, groups: ["busy", "kept"] }]);
  });

  it("says nothing when everything is settled", async () => {
    for (const persistent of [false, true]) {
      const { bus, logger } = recorded({ persistent });
      const subscription = await bus.subscribe("t", { group: "g" });
      await bus.publish("t", numbered(3));
      await texts(subscription, 3);
      await bus.close();
      expect(logger.lines).toEqual([]);
    }
  });

  it("counts what a persistent topic kept and nobody ever settled: before its groups began, and behind a reader that left", async () => {
    const { bus, warnings } = recorded({ persistent: true });
    await bus.publish("never read", numbered(2));
    await bus.publish("read by one", numbered(50));
    const reader = await bus.subscribe("read by one");
    await texts(reader, 5);
    await reader.close();
    await bus.publish("from latest", numbered(3));
    const late = await bus.subscribe("from latest", { group: "late", from: "latest" });
    await bus.publish("from latest", numbered(2));
    await texts(late, 1);
    await bus.close();
    expect(warnings()).toEqual([
      { topic: "from latest", count: 4, delayed: 0, groups: ["late"] },
      { topic: "never read", count: 2, delayed: 0, groups: [] },
      { topic: "read by one", count: 45, delayed: 0, groups: [] },
    ]);
  });

  it("does not count messages whose publishers are told that it is unknown", async () => {
    const { bus, warnings } = recorded({ blockPublishUntilAck: true });
    const subscription = await bus.subscribe("t", { group: "g" });
    const controller = new AbortController();
    const aborted = expect(bus.publish("t", new Message("a"), { signal: controller.signal })).rejects.toMatchObject({ outcomes: ["unknown"] });
    controller.abort();
    await aborted;
    const refused = expect(bus.publish("t", new Message("b"))).rejects.toMatchObject({ outcomes: ["unknown"] });
    await bus.close();
    await refused;
    expect(subscription.status().state).toBe("stopped");
    expect(warnings()).toEqual([]);
  });

  it("names a hundred topics, and sums up the others", async () => {
    const { bus, warnings } = recorded({ persistent: true });
    for (let index = 0; index < 120; index++) await bus.publish(`t-${index}`, numbered(2));
    await bus.close();
    expect(warnings()).toHaveLength(101);
    expect(warnings().at(-1)).toEqual({ topics: 20, count: 40 });
  });
});

describe("a group whose last member leaves", () => {
  it("is said to forget what it has not settled, where nothing keeps it", async () => {
    const { bus, warnings } = recorded();
    const [one, two] = [await bus.subscribe("t", { group: "g" }), await bus.subscribe("t", { group: "g" })];
    await bus.publish("t", numbered(50));
    await texts(one, 5);
    await one.close();
    expect(warnings()).toEqual([]);
    await two.close();
    expect(warnings()).toEqual([{ topic: "t", group: "g", count: 45 }]);
    await bus.close();
    expect(warnings()).toHaveLength(1);
  });

  it.each([
    { name: "a provisioned group", options: {}, group: "g", provision: true },
    { name: "a group of a persistent topic", options: { persistent: true }, group: "g", provision: false },
    { name: "a reader without a group, who wants it so", options: {}, group: undefined, provision: false },
  ])("is not warned of: $name", async ({ options, group, provision }) => {
    const { bus, warnings } = recorded(options);
    if (provision) await bus.provision("t", { group });
    const subscription = await bus.subscribe("t", { group });
    await bus.publish("t", numbered(3));
    await subscription.close();
    expect(warnings()).toEqual([]);
    await bus.close();
  });
});

describe("what is published to a topic that nobody has subscribed to", () => {
  it("is gone with one warning a topic that says how to keep it, and lines for debugging", async () => {
    const { bus, logger } = recorded();
    await bus.publish("t", new Message("x"));
    await bus.publish("t", numbered(2));
    await bus.publish("other", new Message("x"));
    expect(logger.at("warn").map(({ fields }) => fields)).toEqual([{ topic: "t" }, { topic: "other" }]);
    for (const way of ["start the router first", "provision", "persistent"]) expect(logger.at("warn")[0]?.text).toContain(way);
    expect(logger.at("debug")).toHaveLength(2);
    await bus.close();
  });

  it("is kept without a word in a persistent topic, and in a group that was provisioned", async () => {
    for (const { options, group } of [{ options: { persistent: true } }, { options: {}, group: "g" }] as { options: object; group?: string }[]) {
      const { bus, logger } = recorded(options);
      await bus.provision("t", { group });
      await bus.publish("t", numbered(3));
      expect(await texts(await bus.subscribe("t", { group }), 3)).toEqual(["0", "1", "2"]);
      await bus.close();
      expect(logger.lines).toEqual([]);
    }
  });

  it("is told also where the last reader left while the publisher waited for room", async () => {
    const { bus, warnings } = recorded({ bufferSize: 1 });
    const subscription = await bus.subscribe("t");
    await bus.publish("t", new Message("0"));
    const waiting = bus.publish("t", numbered(2));
    await subscription[Symbol.asyncDispose]();
    await waiting;
    expect(warnings()).toContainEqual({ topic: "t" });
    await bus.close();
  });

  it("is named for a thousand topics, then no more", async () => {
    const { bus, warnings } = recorded();
    for (let index = 0; index < 1010; index++) await bus.publish(`t-${index}`, new Message("x"));
    expect(warnings()).toHaveLength(1001);
    await bus.close();
  });
});

describe("the lines about losses", () => {
  it("go to standard error where there is no logger", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line: string) => void lines.push(line));
    const bus = new MemoryPubSub();
    await bus.publish("nobody", new Message("x"));
    await bus.provision("t", { group: "g" });
    await bus.publish("t", new Message("x"));
    await bus.close();
    expect(lines).toEqual([expect.stringContaining('{"topic":"nobody"}'), expect.stringContaining('{"topic":"t","count":1,"delayed":0,"groups":["g"]}')]);
  });

  it("stop nothing when the logger throws", async () => {
    const fail = (): never => {
      throw new Error("no disk");
    };
    const logger: Logger = { trace: fail, debug: fail, info: fail, warn: fail, error: fail };
    const bus = new MemoryPubSub({ logger });
    await bus.publish("nobody", numbered(2));
    await bus.provision("t", { group: "g" });
    await bus.publish("t", new Message("x"));
    await bus.close();
    await expect(bus.publish("t", new Message("x"))).rejects.toMatchObject({ code: "CLOSED" });
  });
});
