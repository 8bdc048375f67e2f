import { describe, expect, it } from "vitest";
import { OptionError, PublishError } from "../errors/index.ts";
import { Message } from "../message/index.ts";
import { ForwardingPublisher } from "./index.ts";
import { Target } from "./target.fixture.ts";

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
