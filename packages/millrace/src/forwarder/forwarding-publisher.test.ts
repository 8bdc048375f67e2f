import { describe, expect, it } from "vitest";
import { OptionError, PublishError } from "../errors/index.ts";
import { memoryCapabilities } from "../memory/capabilities.ts";
import { Message } from "../message/index.ts";
import { Target } from "../relay/target.fixture.ts";
import { ForwardingPublisher, openEnvelope } from "./index.ts";

describe("ForwardingPublisher", () => {
  it("wraps all messages of a call into one call of the wrapped publisher", async () => {
    const inner = new Target();
    const publisher = new ForwardingPublisher({ publisher: inner });
    await publisher.publish("orders", [new Message("1", { key: "a" }), new Message("2")]);
    await publisher.publish("orders", new Message("3"));
    expect(inner.calls).toEqual([
      { topic: "forwarder_topic", count: 2 },
      { topic: "forwarder_topic", count: 1 },
    ]);
    expect(inner.got.map(({ key }) => key)).toEqual(["a", undefined, undefined]);
    await publisher.close();
    expect(inner.closed).toBe(1);
  });

  it("copies the metadata it is told to carry, and no other", async () => {
    const seen: Message[] = [];
    const inner = new Target();
    inner.before = (_topic, messages) => void seen.push(...messages);
    const publisher = new ForwardingPublisher({ publisher: inner, carry: ["delay", "absent"] });
    await publisher.publish("orders", new Message("1", { metadata: { delay: "5s", other: "x" } }));
    expect([...(seen[0]?.metadata ?? [])]).toEqual([["delay", "5s"]]);
  });

  it("lets a message that is not due yet wait in the outbox, where that can hold it back so long", async () => {
    const delayed = async (maxPublishDelayMs: number, message: Message): Promise<Message | undefined> => {
      const inner = Object.assign(new Target(), { capabilities: { ...memoryCapabilities, maxPublishDelayMs } });
      const seen: Message[] = [];
      inner.before = (_topic, messages) => void seen.push(...messages);
      const publisher = new ForwardingPublisher({ publisher: inner });
      expect(publisher.capabilities?.maxPublishDelayMs).toBe(maxPublishDelayMs);
      await publisher.publish("orders", message);
      return seen[0];
    };
    const later = new Message("1", { delayMs: 60_000 });
    expect((await delayed(Infinity, later))?.dueAt).toEqual(later.dueAt);
    expect((await delayed(59_000, later))?.metadata.size).toBe(0);
    expect((await delayed(0, later))?.metadata.size).toBe(0);
    expect((await delayed(Infinity, new Message("1", { deliverAt: new Date(0) })))?.metadata.size).toBe(0);
    const wrapped = await delayed(Infinity, later);
    expect(openEnvelope(wrapped as Message).message.dueAt).toEqual(later.dueAt);
  });

  it("passes the wrapped publisher's error through, and refuses an empty topic before anything is sent", async () => {
    const inner = new Target();
    const failure = new PublishError("no", { code: "FULL", outcomes: ["confirmed", "rejected"] });
    inner.before = () => {
      throw failure;
    };
    const publisher = new ForwardingPublisher({ publisher: inner });
    await expect(publisher.publish("orders", [new Message("1"), new Message("2")])).rejects.toBe(failure);
    await expect(publisher.publish("", new Message("1"))).rejects.toThrow(OptionError);
    expect(inner.calls).toHaveLength(1);
    expect(() => new ForwardingPublisher({ publisher: undefined as never, topic: "" })).toThrow(/publisher is missing; topic/);
  });
});
