import { describe, expect, it, vi } from "vitest";
import { PublishError } from "../errors/index.ts";
import { deferred } from "../internal/deferred.ts";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "../message/index.ts";
import { Target } from "../relay/target.fixture.ts";
import { envelope, Forwarder, type ForwarderOptions, ForwardingPublisher } from "./index.ts";

const numbered = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, index) => String(from + index));

async function setUp(options: Partial<ForwarderOptions> = {}) {
  const outbox = new MemoryPubSub();
  const target = new Target();
  await outbox.provision("forwarder_topic", { group: options.group ?? options.name ?? "forwarder" });
  const forwarder = new Forwarder({
    subscriber: outbox,
    publisher: target,
    logger: silentLogger,
    failure: { minDelayMs: 1, maxDelayMs: 5 },
    ...options,
  });
  const publisher = new ForwardingPublisher({ publisher: outbox });
  const settled = async (count: number): Promise<void> => {
    await vi.waitFor(() => expect(target.got.length).toBeGreaterThanOrEqual(count), { timeout: 5000, interval: 2 });
    await forwarder.idle();
  };
  return { outbox, target, forwarder, publisher, settled };
}

describe("Forwarder", () => {
  it("brings messages to the topics they name, in order and batched by runs of one topic", async () => {
    const { target, forwarder, publisher, settled } = await setUp();
    for (const [topic, texts] of [
      ["orders", numbered(1, 40)],
      ["bills", ["41"]],
      ["orders", numbered(42, 60)],
    ] as const)
      await publisher.publish(
        topic,
        texts.map((text) => new Message(text, { id: `m-${text}`, key: "k", metadata: { n: text } })),
      );
    await forwarder.start();
    await settled(60);
    expect(target.texts).toEqual(numbered(1, 60));
    expect(target.calls).toEqual([
      { topic: "orders", count: 40 },
      { topic: "bills", count: 1 },
      { topic: "orders", count: 19 },
    ]);
    expect(new Set(target.got.map(({ key }) => key))).toEqual(new Set(["k"]));
    await forwarder.close();
    await forwarder.close();
    expect(target.closed).toBe(0);
  });

  it("publishes at most `batch` messages in a call", async () => {
    const { target, forwarder, publisher, settled } = await setUp({ batch: 10 });
    await publisher.publish(
      "orders",
      numbered(1, 95).map((text) => new Message(text)),
    );
    await forwarder.start();
    await settled(95);
    expect(target.texts).toEqual(numbered(1, 95));
    expect(Math.max(...target.calls.map(({ count }) => count))).toBe(10);
    await forwarder.close();
  });

  it("acks what was confirmed, and repeats the first that was not and everything after it in order", async () => {
    const { target, forwarder, publisher, settled } = await setUp();
    target.before = (_topic, messages, call) => {
      if (call > 1) return;
      const outcomes = messages.map((message) => (Number(message.text()) < 7 ? ("confirmed" as const) : ("unknown" as const)));
      throw new PublishError("cut", { code: "CUT", retryable: true, outcomes });
    };
    await publisher.publish(
      "orders",
      numbered(1, 20).map((text) => new Message(text)),
    );
    await forwarder.start();
    await settled(20);
    expect(target.texts).toEqual(numbered(1, 20));
    await forwarder.close();
  });

  it("keeps the order when messages arrive while a publish that will fail is under way", async () => {
    const { target, forwarder, publisher, settled } = await setUp();
    const reached = deferred<void>();
    const release = deferred<void>();
    target.before = async (_topic, _messages, call) => {
      if (call > 1) return;
      reached.resolve();
      await release.promise;
      throw new Error("down");
    };
    await forwarder.start();
    await publisher.publish("orders", new Message("1"));
    await reached.promise;
    await publisher.publish(
      "orders",
      numbered(2, 30).map((text) => new Message(text)),
    );
    await new Promise((resolve) => setImmediate(resolve));
    release.resolve();
    await settled(30);
    expect(target.texts).toEqual(numbered(1, 30));
    await forwarder.close();
  });

  it("keeps the order of each key while others go on, above one at a time", async () => {
    const { target, forwarder, publisher, settled } = await setUp({ concurrency: 4, batch: 5 });
    const failures = new Map([["b", 3]]);
    target.before = async (_topic, messages) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (!messages.some(({ key }) => key === "b") || (failures.get("b") ?? 0) === 0) return;
      failures.set("b", (failures.get("b") ?? 0) - 1);
      throw new PublishError("hot key", { code: "HOT", outcomes: messages.map(({ key }) => (key === "b" ? "rejected" : "confirmed")) });
    };
    await forwarder.start();
    for (const text of numbered(1, 200)) void publisher.publish("orders", new Message(text, { key: "abcd"[Number(text) % 4] as string }));
    await settled(200);
    for (const key of "abcd") {
      const texts = target.got.filter((one) => one.key === key).map(({ text }) => Number(text));
      expect([...new Set(texts)]).toEqual([...texts].sort((one, other) => one - other).filter((text, index, all) => all.indexOf(text) === index));
      expect(new Set(texts).size).toBe(50);
    }
    await forwarder.close();
  });

  it("shows in health that a publish fails on and on, and why, and never gives up by itself", async () => {
    const deadLetters = new Target();
    const { target, forwarder, publisher, settled } = await setUp({ deadLetter: { publisher: deadLetters, topic: "dead" } });
    let down = true;
    target.before = () => {
      if (down) throw new Error("broker down");
    };
    await publisher.publish("orders", new Message("1"));
    await forwarder.start();
    await vi.waitFor(() => expect(forwarder.health().handlers.forwarder?.state).toBe("failing"), { timeout: 5000 });
    expect(forwarder.health().handlers.forwarder?.lastError?.message).toBe("broker down");
    down = false;
    await settled(1);
    expect(forwarder.health().handlers.forwarder).toMatchObject({ state: "running", attempts: 0 });
    expect(deadLetters.got).toEqual([]);
    await forwarder.close();
  });

  it("gives a message that cannot be published to the dead letter when attempts are set", async () => {
    const deadLetters = new Target();
    const { target, forwarder, publisher } = await setUp({
      deadLetter: { publisher: deadLetters, topic: "dead" },
      failure: { attempts: 2, minDelayMs: 1, maxDelayMs: 2 },
    });
    target.before = (_topic, messages) => {
      if (messages.some((message) => message.text() === "bad")) {
        throw new PublishError("too large", {
          code: "TOO_LARGE",
          outcomes: messages.map((_message, index) => (messages.findIndex((one) => one.text() === "bad") > index ? "confirmed" : "rejected")),
        });
      }
    };
    await publisher.publish("orders", [new Message("1"), new Message("bad"), new Message("2")]);
    await forwarder.start();
    await vi.waitFor(() => expect(target.texts).toEqual(["1", "2"]), { timeout: 5000 });
    expect(deadLetters.got).toHaveLength(1);
    await forwarder.close();
  });

  it("gives what is no envelope to the dead letter, and goes on in order", async () => {
    const letters: Message[] = [];
    const deadLetters = new Target();
    deadLetters.before = (_topic, messages) => void letters.push(...messages);
    const { outbox, target, forwarder, publisher, settled } = await setUp({ deadLetter: { publisher: deadLetters, topic: "dead" } });
    await publisher.publish("orders", [new Message("1"), new Message("2")]);
    await outbox.publish("forwarder_topic", new Message("no envelope", { id: "bad" }));
    await publisher.publish("orders", [new Message("3"), new Message("4")]);
    await forwarder.start();
    await settled(4);
    expect(target.texts).toEqual(["1", "2", "3", "4"]);
    expect(letters.map((letter) => [letter.id, letter.text(), letter.metadata.get("handler_poisoned"), letter.metadata.get("topic_poisoned")])).toEqual([
      ["bad", "no envelope", "forwarder", "forwarder_topic"],
    ]);
    await forwarder.close();
  });

  it("keeps what is no envelope when there is no dead letter, and says so in health", async () => {
    const { outbox, target, forwarder, publisher } = await setUp();
    await publisher.publish("orders", new Message("1"));
    await outbox.publish("forwarder_topic", new Message("no envelope", { id: "bad" }));
    await publisher.publish("orders", new Message("2"));
    await forwarder.start();
    await vi.waitFor(() => expect(forwarder.health().handlers.forwarder?.state).toBe("failing"));
    expect(forwarder.health().handlers.forwarder?.lastError).toMatchObject({ code: "BAD_ENVELOPE" });
    expect(target.texts).toEqual(["1"]);
    await forwarder.close();
  });

  it("skips what is no envelope when told to, with a line in the log that quotes nothing of it", async () => {
    const lines: string[] = [];
    const logger = { ...silentLogger, error: (fields: object, text: string) => void lines.push(`${text} ${JSON.stringify(fields)}`) };
    const { outbox, target, forwarder, publisher, settled } = await setUp({ onUndecodable: "skip", logger });
    await outbox.publish("forwarder_topic", new Message("secret", { id: "bad" }));
    await publisher.publish("orders", new Message("1"));
    await forwarder.start();
    await settled(1);
    expect(target.texts).toEqual(["1"]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("bad");
    expect(lines[0]).not.toContain("secret");
    await forwarder.close();
  });

  it("runs beside others in one process, sharing the work within a group", async () => {
    const outbox = new MemoryPubSub();
    const target = new Target();
    const forwarders = ["one", "two"].map(
      (name) => new Forwarder({ name, group: "shared", subscriber: outbox, publisher: target, logger: silentLogger, batch: 5 }),
    );
    for (const forwarder of forwarders) await forwarder.start();
    const publisher = new ForwardingPublisher({ publisher: outbox });
    for (const text of numbered(1, 100)) await publisher.publish("orders", new Message(text));
    await vi.waitFor(() => expect(target.got).toHaveLength(100));
    expect(new Set(target.texts).size).toBe(100);
    expect(forwarders.flatMap((forwarder) => Object.keys(forwarder.health().handlers))).toEqual(["one", "two"]);
    await Promise.all(forwarders.map((forwarder) => forwarder.close()));
  });

  it("runs until it is closed, and can be started again", async () => {
    const { target, forwarder, publisher, settled } = await setUp();
    const running = forwarder.run();
    await vi.waitFor(() => expect(forwarder.health().ready).toBe(true));
    await publisher.publish("orders", new Message("1"));
    await settled(1);
    await forwarder.close();
    await running;
    await publisher.publish("orders", new Message("2"));
    await forwarder.start();
    await settled(2);
    expect(target.texts).toEqual(["1", "2"]);
    await forwarder[Symbol.asyncDispose]();
  });

  it("reads envelopes that carry no key and foreign ones alike", async () => {
    const { outbox, target, forwarder, settled } = await setUp();
    await outbox.publish("forwarder_topic", envelope("orders", new Message("1")));
    await outbox.publish("forwarder_topic", new Message('{"Destination_Topic":"orders","payload":"Mg==","version":2}'));
    await forwarder.start();
    await settled(2);
    expect(target.got).toEqual([
      { topic: "orders", text: "1", key: undefined },
      { topic: "orders", text: "2", key: undefined },
    ]);
    await forwarder.close();
  });

  it("names everything that is wrong with its options", () => {
    const wrong = { publisher: {}, batch: 0, topic: "", onUndecodable: "dead-letter", maxWaitMs: -1 };
    expect(() => new Forwarder(wrong as never)).toThrow(
      /subscriber is missing; publisher must have the method publish.*; topic.*; batch.*; maxWaitMs.*|onUndecodable "dead-letter" needs deadLetter/,
    );
    const deadLetter = { publisher: new Target(), topic: "dead" };
    expect(() => new Forwarder({ subscriber: new MemoryPubSub(), publisher: new Target(), onUndecodable: "keep", deadLetter })).toThrow(/leave deadLetter out/);
  });
});
