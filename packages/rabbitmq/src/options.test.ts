import { OptionError } from "millrace";
import { describe, expect, it } from "vitest";
import { fromUrl } from "./from-url.ts";
import type { RabbitMqPubSubOptions } from "./options.ts";
import { RabbitMqPubSub } from "./pub-sub.ts";
import { settingsOf } from "./settings.ts";
import { RabbitMqSubscriber } from "./subscriber.ts";

function problemsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof OptionError) return error.problems;
    throw error;
  }
  return [];
}

describe("RabbitMqPubSub options", () => {
  it("take a logger that throws: nothing of it gets out", () => {
    const throws = (): never => {
      throw new Error("the disk is full");
    };
    const logger = { trace: throws, debug: throws, info: throws, warn: throws, error: throws };
    expect(() => settingsOf({ url: "amqp://localhost", logger }).logger.warn({}, "x")).not.toThrow();
    expect(() => new RabbitMqSubscriber({ url: "amqp://localhost", queue: { type: "quorum", deliveryLimit: 5 }, logger })).not.toThrow();
  });

  it("lists everything that is wrong, and shows no password", () => {
    const wrong = { url: "http://guest:secret@localhost", heartbeatMs: 10, confirmWindow: 0, topology: "star", codec: {}, queue: { deliveryLimit: 3 } };
    const problems = problemsOf(() => new RabbitMqPubSub(wrong as unknown as RabbitMqPubSubOptions));
    expect(problems).toEqual([
      expect.stringContaining("amqp://user:password@host"),
      expect.stringContaining("topology"),
      expect.stringContaining("codec"),
      expect.stringContaining("heartbeatMs"),
      expect.stringContaining("confirmWindow"),
      expect.stringContaining("quorum"),
    ]);
    expect(problems.join()).not.toContain("secret");
  });

  it.each([undefined, 7, "no url", "amqp:", []])("refuses the url %j", (url) => {
    expect(problemsOf(() => new RabbitMqPubSub({ url: url as string })).length).toBeGreaterThan(0);
  });

  it("warns of a delivery limit below twice the attempts of a handler", () => {
    const warnings: string[] = [];
    const logger = { trace() {}, debug() {}, info() {}, error() {}, warn: (_: unknown, text: string) => void warnings.push(text) };
    new RabbitMqSubscriber({ url: "amqp://localhost", queue: { type: "quorum", deliveryLimit: 5 }, logger });
    expect(warnings).toEqual([expect.stringContaining("delivery limit")]);
  });

  it("does nothing before it is used, and closes at once", async () => {
    const bus = new RabbitMqPubSub({ url: ["amqp://127.0.0.1:1", "amqps://127.0.0.1:2/vhost"] });
    await bus.close();
  });
});

describe("fromUrl", () => {
  it.each([
    "amqp://localhost",
    "amqps://user:p%40ss@host:5671/my%2Fhost?topology=queue&durable=false",
    "amqp://localhost/?topology=topic&exchange=events&queueType=quorum&codec=correlating&heartbeatMs=5000&name=shop",
  ])("takes %s", async (url) => {
    await fromUrl(url).close();
  });

  it.each([
    ["amqp://localhost/?prefetch=10", "unknown parameter in url"],
    ["amqp://localhost/?topology=star", "topology must be one of"],
    ["amqp://localhost/?topology=topic", "needs exchange"],
    ["amqp://localhost/?exchange=e", "needs topology=topic"],
    ["amqp://localhost/?heartbeatMs=no", "heartbeatMs"],
    ["kafka://localhost", "url must be a URL"],
    ["nonsense", "url must be a URL"],
  ])("refuses %s", (url, problem) => {
    expect(problemsOf(() => fromUrl(url)).join()).toContain(problem);
  });
});
