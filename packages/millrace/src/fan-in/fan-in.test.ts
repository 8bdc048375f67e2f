import { describe, expect, it, vi } from "vitest";
import { OptionError } from "../errors/index.ts";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message, type Publisher, transformPublisher } from "../message/index.ts";
import { readMessages } from "../message/read-messages.ts";
import { FanIn, type FanInOptions } from "./index.ts";

const SOURCES = ["s1", "s2", "s3", "s4", "s5"];

function setUp(options: Partial<FanInOptions> = {}) {
  const bus = new MemoryPubSub();
  const fanIn = new FanIn({ subscriber: bus, publisher: bus, sources: SOURCES, target: "all", logger: silentLogger, ...options });
  return { bus, fanIn };
}

describe("FanIn", () => {
  it("brings everything of all sources to the target, unchanged and in each source's order", async () => {
    const { bus, fanIn } = setUp();
    const subscription = await bus.subscribe("all");
    await fanIn.start();
    for (let number = 0; number < 20; number++) {
      for (const source of SOURCES) {
        await bus.publish(source, new Message(`${number}`, { id: `${source}-${number}`, key: source, metadata: { n: `${number}` } }));
      }
    }
    const { messages, complete } = await readMessages(subscription, { count: 100, idleMs: 5000 });
    expect(complete).toBe(true);
    for (const source of SOURCES) {
      const own = messages.filter(({ key }) => key === source);
      expect(own.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, number) => `${source}-${number}`));
      expect(own.map((message) => [message.text(), [...message.metadata]])).toEqual(
        Array.from({ length: 20 }, (_, number) => [`${number}`, [["n", `${number}`]]]),
      );
    }
    await fanIn.close();
    await bus.close();
  });

  it("tells the source under the key it is given", async () => {
    const { bus, fanIn } = setUp({ sourceKey: "came_from" });
    const subscription = await bus.subscribe("all");
    await fanIn.start();
    await bus.publish("s3", new Message("x", { metadata: { kept: "yes" } }));
    const { messages } = await readMessages(subscription, { count: 1, idleMs: 5000 });
    expect(messages.map(({ metadata }) => Object.fromEntries(metadata))).toEqual([{ kept: "yes", came_from: "s3" }]);
    await fanIn.close();
    await bus.close();
  });

  it("acks only what the target has confirmed, and keeps trying, visibly", async () => {
    let down = true;
    const got: string[] = [];
    const target: Publisher = {
      publish: async (_topic, messages) => {
        if (down) throw new Error("down");
        for (const message of Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message]) got.push(message.text());
      },
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
    const { bus, fanIn } = setUp({ publisher: target, sources: ["s1"], failure: { minDelayMs: 1, maxDelayMs: 3 } });
    await fanIn.start();
    await bus.publish("s1", [new Message("1"), new Message("2"), new Message("3")]);
    await vi.waitFor(() => expect(fanIn.health().handlers.fan_in_s1?.state).toBe("failing"), { timeout: 5000 });
    expect(fanIn.health().handlers.fan_in_s1?.lastError?.message).toBe("down");
    down = false;
    await vi.waitFor(() => expect(got).toEqual(["1", "2", "3"]), { timeout: 5000 });
    await fanIn.idle();
    expect(fanIn.health().handlers.fan_in_s1?.state).toBe("running");
    await fanIn.close();
    await bus.close();
  });

  it("gives a message that the target refuses to the dead letter, alone, and keeps the key bytes of all", async () => {
    const key = Uint8Array.of(0xff, 0x01);
    const bus = new MemoryPubSub({ persistent: true });
    const refuse = transformPublisher((message) => {
      if (message.text() === "bad") throw new Error("refused");
    });
    const failure = { attempts: 2, minDelayMs: 1, maxDelayMs: 2, deadLetter: { publisher: bus, topic: "dead" } };
    const fanIn = new FanIn({ subscriber: bus, publisher: refuse(bus), sources: ["s1"], target: "all", logger: silentLogger, failure });
    await bus.publish(
      "s1",
      ["ok0", "ok1", "bad", "ok2", "ok3"].map((text) => new Message(text, { key })),
    );
    await fanIn.start();
    await fanIn.idle();
    const read = async (topic: string, count: number) => (await readMessages(await bus.subscribe(topic), { count, idleMs: 5000 })).messages;
    const [all, dead] = [await read("all", 4), await read("dead", 1)];
    expect(all.map((message) => message.text())).toEqual(["ok0", "ok1", "ok2", "ok3"]);
    expect(dead.map((message) => message.text())).toEqual(["bad"]);
    expect([...all, ...dead].map(({ keyBytes }) => keyBytes)).toEqual([key, key, key, key, key]);
    await fanIn.close();
    await bus.close();
  });

  it("shares the work within a group", async () => {
    const { bus, fanIn } = setUp({ group: "merge" });
    const other = new FanIn({ subscriber: bus, publisher: bus, sources: SOURCES, target: "all", group: "merge", logger: silentLogger });
    const subscription = await bus.subscribe("all");
    await Promise.all([fanIn.start(), other.start()]);
    for (let number = 0; number < 50; number++) await bus.publish("s1", new Message(`${number}`));
    const { messages } = await readMessages(subscription, { count: 50, idleMs: 5000 });
    expect(new Set(messages.map((message) => message.text())).size).toBe(50);
    await Promise.all([fanIn.close(), other.close()]);
    await bus.close();
  });

  it("closes as often as one likes, and leaves what it was given open", async () => {
    const { bus, fanIn } = setUp();
    const running = fanIn.run();
    await vi.waitFor(() => expect(fanIn.health().ready).toBe(true));
    await Promise.all([fanIn.close(), fanIn.close()]);
    await running;
    await fanIn[Symbol.asyncDispose]();
    await bus.publish("all", new Message("still open"));
    await bus.close();
  });

  it("names everything that is wrong with its options", () => {
    const bus = new MemoryPubSub();
    const make = (options: object) => () => new FanIn({ subscriber: bus, publisher: bus, sources: ["a"], target: "all", ...options } as never);
    expect(make({ subscriber: undefined, publisher: undefined })).toThrow(/subscriber is missing; publisher is missing/);
    expect(make({ sources: [] })).toThrow(/at least one/);
    expect(make({ sources: ["a", ""] })).toThrow(/every one of sources/);
    expect(make({ sources: ["a", "b", "a"] })).toThrow(/"a" is/);
    expect(make({ target: "" })).toThrow(OptionError);
    expect(make({ target: "a" })).toThrow(/go round for ever/);
  });
});
