import { describe, expect, it } from "vitest";
import { silentLogger } from "../logger/index.ts";
import { Message } from "../message/index.ts";
import { texts } from "./collect.fixture.ts";
import { MemoryPubSub } from "./index.ts";

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index)));

async function pending(promise: Promise<unknown>, ms = 20): Promise<boolean> {
  const none = Symbol("none");
  return (await Promise.race([promise.then(() => undefined), new Promise((resolve) => setTimeout(() => resolve(none), ms))])) === none;
}

describe("blockPublishUntilAck", () => {
  it("resolves when every group has acked, nacks included in the wait", async () => {
    await using bus = new MemoryPubSub({ blockPublishUntilAck: true, logger: silentLogger });
    const [a, b] = [await bus.subscribe("t", { group: "a" }), await bus.subscribe("t", { group: "b" })];
    const publishing = bus.publish("t", numbered(2));
    await texts(a, 2);
    let failed = false;
    for await (const message of b) {
      expect(await pending(publishing, 2)).toBe(true);
      if (failed) message.ack();
      else message.nack();
      if (failed && message.text() === "1") break;
      failed = true;
    }
    await publishing;
  });

  it("resolves at once when nobody listens, and when the group that owed the ack leaves", async () => {
    await using bus = new MemoryPubSub({ blockPublishUntilAck: true, logger: silentLogger });
    await bus.publish("t", new Message("x"));
    const subscription = await bus.subscribe("t");
    const publishing = bus.publish("t", new Message("y"));
    expect(await pending(publishing, 5)).toBe(true);
    await subscription[Symbol.asyncDispose]();
    await publishing;
  });

  it("counts only the groups that were there when the message got its place", async () => {
    await using bus = new MemoryPubSub({ blockPublishUntilAck: true, bufferSize: 1, logger: silentLogger });
    const [a, b] = [await bus.subscribe("t", { group: "a" }), await bus.subscribe("t", { group: "b" })];
    const first = bus.publish("t", new Message("0"));
    const second = bus.publish("t", new Message("1")); // waits for room
    await b[Symbol.asyncDispose]();
    await texts(a, 2);
    await Promise.all([first, second]);
  });

  it("rejects, the outcome unknown, when it is aborted or the pub/sub closes", async () => {
    const bus = new MemoryPubSub({ blockPublishUntilAck: true, logger: silentLogger });
    await bus.subscribe("t");
    const controller = new AbortController();
    const aborted = bus.publish("t", new Message("x"), { signal: controller.signal });
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: "PUBLISH_ABORTED", outcomes: ["unknown"] });
    const refused = expect(bus.publish("t", new Message("y"))).rejects.toMatchObject({ code: "CLOSED", outcomes: ["unknown"] });
    await bus.close();
    await refused;
  });

  it("resolves when a reader without a group leaves that owed acks in a persistent topic, also for what it never read", async () => {
    await using bus = new MemoryPubSub({ blockPublishUntilAck: true, persistent: true, logger: silentLogger });
    const reader = await bus.subscribe("t");
    const group = await bus.subscribe("t", { group: "g" });
    const publishing = bus.publish("t", numbered(5));
    await texts(reader, 2);
    await texts(group, 5);
    expect(await pending(publishing, 5)).toBe(true);
    await reader.close();
    await publishing;
  });

  it("waits for a remembered group that has no member at the moment, until one comes", async () => {
    await using bus = new MemoryPubSub({ blockPublishUntilAck: true, persistent: true, logger: silentLogger });
    await (await bus.subscribe("t", { group: "g" })).close();
    const publishing = bus.publish("t", new Message("x"));
    expect(await pending(publishing, 10)).toBe(true);
    await texts(await bus.subscribe("t", { group: "g" }), 1);
    await publishing;
  });

  it("is not resolved by a reader that came later and replays the message", async () => {
    await using bus = new MemoryPubSub({ blockPublishUntilAck: true, persistent: true, logger: silentLogger });
    const owing = await bus.subscribe("t", { group: "g" });
    const publishing = bus.publish("t", new Message("x"));
    const late = await bus.subscribe("t");
    await texts(late, 1);
    await late.close();
    expect(await pending(publishing, 10)).toBe(true);
    await texts(owing, 1);
    await publishing;
  });

  it("says unknown, not confirmed, of what is in the topic when a publish that waits for room ends without the acks", async () => {
    const bus = new MemoryPubSub({ blockPublishUntilAck: true, bufferSize: 1, logger: silentLogger });
    await bus.subscribe("t", { group: "g" });
    const controller = new AbortController();
    const aborted = bus.publish("t", numbered(2), { signal: controller.signal });
    const refused = expect(bus.publish("t", numbered(1))).rejects.toMatchObject({ code: "CLOSED", outcomes: ["rejected"] });
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: "PUBLISH_ABORTED", outcomes: ["unknown", "rejected"] });
    await bus.close();
    await refused;
  });

  it("rejects when the pub/sub closes in the very turn in which the message was put", async () => {
    const bus = new MemoryPubSub({ blockPublishUntilAck: true, logger: silentLogger });
    await bus.subscribe("t", { group: "g" });
    const refused = expect(bus.publish("t", numbered(2))).rejects.toMatchObject({ code: "CLOSED", outcomes: ["unknown", "unknown"] });
    await bus.close();
    await refused;
  });
});
