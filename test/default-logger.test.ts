import { KafkaPubSub } from "@millrace/kafka";
import { RabbitMqPubSub } from "@millrace/rabbitmq";
import { MemoryPubSub, Message } from "millrace";
import { PublishQueue } from "millrace/adapter";
import { FanOut } from "millrace/fan-out";
import { afterEach, beforeEach, expect, it, type MockInstance, vi } from "vitest";

let written: MockInstance<typeof console.error>;
beforeEach(() => void (written = vi.spyOn(console, "error").mockReturnValue(undefined)));
afterEach(() => written.mockRestore());

const lines = (): string[] => written.mock.calls.map(([line]) => String(line));
const NOBODY = "127.0.0.1:1";

it.each([
  ["KafkaPubSub", () => new KafkaPubSub({ brokers: [NOBODY], publishTimeoutMs: 2_000 })],
  ["RabbitMqPubSub", () => new RabbitMqPubSub({ url: `amqp://${NOBODY}`, publishTimeoutMs: 2_000 })],
])("%s tells on standard error what a publish waits for, where no logger was given", async (_name, make) => {
  const bus = make();
  await expect(bus.publish("t", new Message("x"))).rejects.toMatchObject({ code: "BROKER_UNREACHABLE" });
  await bus.close();
  expect(lines().filter((line) => / WARN .*127\.0\.0\.1:1/.test(line))).not.toEqual([]);
});

it("so does a publisher of anybody's that is made of a PublishQueue", async () => {
  const target = { encode: () => "", bytesOf: () => 1, send: () => {}, disconnect: () => {} };
  const connect = (): never => {
    throw Object.assign(new Error("the shop is shut"), { retryable: true });
  };
  const queue = new PublishQueue({ subject: "X", adapter: "x", otherCode: "X", timeoutMs: 1_500 }, { ...target, connect });
  await expect(queue.publish("t", new Message("x"))).rejects.toThrow();
  await queue.close();
  expect(lines().join("\n")).toContain("the shop is shut");
});

it("so does a subscription of a FanOut", async () => {
  const broker = new MemoryPubSub();
  const fanOut = new FanOut({ subscriber: broker });
  const subscription = await fanOut.subscribe("t", {
    group: "g",
    orderBy: () => {
      throw new Error("no order today");
    },
    maxInFlight: 2,
  });
  await fanOut.start();
  await broker.publish("t", new Message("x"));
  for await (const message of subscription) {
    message.ack();
    break;
  }
  await subscription.close();
  await fanOut.close();
  await broker.close();
  expect(lines().join("\n")).toContain("no order today");
});
