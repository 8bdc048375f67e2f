import { describe, expect, it, vi } from "vitest";
import { OptionError, PublishError } from "../errors/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "./message.ts";
import { readMessages } from "./read-messages.ts";
import { transformPublisher } from "./transform-publisher.ts";

describe("transformPublisher", () => {
  it("publishes changed copies in order, in one call, and leaves the caller's messages alone", async () => {
    await using pubsub = new MemoryPubSub({ persistent: true });
    const publish = vi.spyOn(pubsub, "publish");
    const decorated = transformPublisher((message, topic) => {
      message.metadata.set("topic", topic);
    })(pubsub);
    const messages = Array.from({ length: 1000 }, (_, index) => new Message(String(index), { metadata: { own: "1" } }));
    await decorated.publish("t", messages);
    await decorated.publish("t", messages[0] as Message);
    expect(publish).toHaveBeenCalledTimes(2);
    const { messages: got } = await readMessages(await pubsub.subscribe("t", { group: "g" }), { count: 1001 });
    expect(got.map((message) => message.id)).toEqual([...messages, messages[0]].map((message) => message?.id));
    expect(got.every((message) => message.metadata.get("topic") === "t")).toBe(true);
    expect(messages.every((message) => !message.metadata.has("topic"))).toBe(true);
  });

  it("keeps key bytes, due time and topic", async () => {
    const published: Message[] = [];
    const inner = {
      publish: async (_topic: string, message: Message | readonly Message[]) => void published.push(message as Message),
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
    const key = Uint8Array.of(0xff, 0);
    const deliverAt = new Date("2100-01-02T03:04:05.678Z");
    await transformPublisher((message) => void message.metadata.set("a", "1"))(inner).publish("t", new Message("x", { key, deliverAt, topic: "own" }));
    expect(published.map((message) => [message.keyBytes, message.dueAt, message.topic, message.metadata.get("a")])).toEqual([[key, deliverAt, "own", "1"]]);
  });

  it("publishes the message that the transform returns instead", async () => {
    await using pubsub = new MemoryPubSub({ persistent: true });
    await transformPublisher((message) => new Message(message.text().toUpperCase(), { id: message.id }))(pubsub).publish("t", new Message("loud"));
    const { messages } = await readMessages(await pubsub.subscribe("t", { group: "g" }), { count: 1 });
    expect(messages[0]?.text()).toBe("LOUD");
  });

  it("rejects and sends nothing of the call when the transform throws", async () => {
    await using pubsub = new MemoryPubSub({ persistent: true });
    const publish = vi.spyOn(pubsub, "publish");
    const cause = new Error("no");
    const decorated = transformPublisher((message) => {
      if (message.text() === "bad") throw cause;
    })(pubsub);
    const failure = await decorated.publish("t", [new Message("good"), new Message("bad")]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PublishError);
    expect(failure).toMatchObject({ code: "TRANSFORM_FAILED", outcomes: ["rejected", "rejected"], cause });
    expect(publish).not.toHaveBeenCalled();
  });

  it("closes the publisher it decorates and passes its failure on", async () => {
    const inner = { publish: () => Promise.resolve(), close: () => Promise.reject(new Error("stuck")), [Symbol.asyncDispose]: () => Promise.resolve() };
    await expect(transformPublisher(() => {})(inner).close()).rejects.toThrow("stuck");
  });

  it("refuses a missing transform when it is made", () => {
    expect(() => transformPublisher(undefined as never)).toThrow(OptionError);
  });
});
