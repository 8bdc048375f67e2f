import { describe, expect, it } from "vitest";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "../message/index.ts";
import { Bell } from "./bell.ts";
import { Probe } from "./probe.ts";

describe("Probe", () => {
  it("records hand-outs, attempts and acks, and settles what it holds when told to", async () => {
    await using pubsub = new MemoryPubSub({ persistent: true });
    await pubsub.publish("t", [new Message("1", { id: "1" }), new Message("2", { id: "2" })]);
    const probe = new Probe(await pubsub.subscribe("t", { group: "g" }), { decide: ({ id, attempt }) => (id === "1" && attempt === 1 ? "nack" : "hold") });
    await probe.until(() => probe.holding.has("1"), "the first one comes again");
    expect(probe.attemptsOf("1")).toEqual([1, 2]);
    expect(probe.settle("1")).toBe(true);
    await probe.until(() => probe.holding.has("2"), "the second one comes");
    expect(probe.settle("2")).toBe(true);
    expect([...probe.acked]).toEqual(["1", "2"]);
    expect(() => probe.settle("2")).toThrow("does not hold 2");
    await probe.subscription.close();
    await probe.finished();
    expect(probe.ended).toBe(true);
  });

  it("says what it waited for in vain, and what it saw", async () => {
    await using pubsub = new MemoryPubSub();
    const probe = new Probe(await pubsub.subscribe("t", { group: "g" }), { patienceMs: 10 });
    await expect(probe.until(() => false, "the impossible")).rejects.toThrow("waited 10 ms in vain until the impossible (topic t: 0 hand-outs of 0 messages");
  });

  it("shows what every probe of its bell saw when a wait is in vain", async () => {
    await using pubsub = new MemoryPubSub({ persistent: true });
    await pubsub.publish("one", new Message("1"));
    const bell = new Bell();
    const one = new Probe(await pubsub.subscribe("one", { group: "g" }), { bell, decide: () => "hold" });
    const two = new Probe(await pubsub.subscribe("two", { group: "g" }), { bell });
    await one.until(() => one.holding.size === 1, "it is in hand");
    const failure = await two.until(() => false, "the impossible", 10).catch((error: Error) => error.message);
    expect(failure).toContain("topic one: 1 hand-outs of 1 messages, 0 acked, 1 in hand; running, 1 in flight, 0 held");
    expect(failure).toContain("topic two: 0 hand-outs of 0 messages");
    await one.subscription[Symbol.asyncDispose]();
  });

  it("fails everyone who waits when a decision or the predicate throws", async () => {
    await using pubsub = new MemoryPubSub();
    const decide = (): never => {
      throw new Error("bad decision");
    };
    const probe = new Probe(await pubsub.subscribe("t", { group: "g" }), { decide });
    await expect(
      probe.until(() => {
        throw new Error("bad predicate");
      }, "never"),
    ).rejects.toThrow("bad predicate");
    const waiting = probe.until(() => false, "never");
    waiting.catch(() => {});
    await pubsub.publish("t", new Message("m"));
    await expect(waiting).rejects.toThrow("bad decision");
    await probe.subscription[Symbol.asyncDispose]();
  });
});
