import { describe, expect, it } from "vitest";
import { OptionError } from "../errors/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "./message.ts";
import { readMessages } from "./read-messages.ts";
import { readUntil } from "./read-until.ts";
import type { Subscription } from "./subscriber.ts";

async function withMessages(count: number, run: (subscription: Subscription, pubsub: MemoryPubSub) => Promise<void>): Promise<void> {
  await using pubsub = new MemoryPubSub({ persistent: true });
  await pubsub.publish(
    "numbers",
    Array.from({ length: count }, (_, index) => new Message(String(index))),
  );
  await run(await pubsub.subscribe("numbers", { group: "reader" }), pubsub);
}

describe("readMessages", () => {
  it("reads as many as asked for, leaves the rest, and can be called again", () =>
    withMessages(5, async (subscription) => {
      const first = await readMessages(subscription, { count: 3 });
      expect(first.complete).toBe(true);
      expect(first.messages.map((message) => message.text())).toEqual(["0", "1", "2"]);
      const second = await readMessages(subscription, { count: 2 });
      expect(second.messages.map((message) => message.text())).toEqual(["3", "4"]);
    }));

  it("acks everything it returns", () =>
    withMessages(2, async (subscription) => {
      const { messages } = await readMessages(subscription, { count: 2 });
      await expect(Promise.all(messages.map((message) => message.settled))).resolves.toEqual(["acked", "acked"]);
    }));

  it("returns what came when nothing more comes for idleMs, and loses nothing that comes later", () =>
    withMessages(3, async (subscription, pubsub) => {
      const short = await readMessages(subscription, { count: 10, idleMs: 20 });
      expect(short.complete).toBe(false);
      expect(short.messages).toHaveLength(3);
      await pubsub.publish("numbers", new Message("late"));
      const rest = await readMessages(subscription, { count: 1 });
      expect(rest.messages.map((message) => message.text())).toEqual(["late"]);
    }));

  it("is complete at once with a count of 0", () =>
    withMessages(1, async (subscription) => {
      await expect(readMessages(subscription, { count: 0 })).resolves.toEqual({ messages: [], complete: true });
      expect((await readMessages(subscription, { count: 1 })).messages).toHaveLength(1);
    }));

  it("counts an id once with deduplicate", async () => {
    await using pubsub = new MemoryPubSub({ persistent: true });
    await pubsub.publish("t", [new Message("a", { id: "1" }), new Message("a again", { id: "1" }), new Message("b", { id: "2" })]);
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const { messages, complete } = await readMessages(subscription, { count: 2, deduplicate: true });
    expect(complete).toBe(true);
    expect(messages.map((message) => message.text())).toEqual(["a", "b"]);
  });

  it("returns at once when the subscription closes", () =>
    withMessages(1, async (subscription) => {
      const reading = readMessages(subscription, { count: 5 });
      await subscription.close();
      const { complete } = await reading;
      expect(complete).toBe(false);
    }));

  it("returns what it has when its signal aborts", () =>
    withMessages(2, async (subscription) => {
      const stop = new AbortController();
      const reading = readMessages(subscription, { count: 5, signal: stop.signal });
      setImmediate(() => stop.abort());
      const { messages, complete } = await reading;
      expect(complete).toBe(false);
      expect(messages).toHaveLength(2);
    }));

  it("refuses a count that is not a whole number", () =>
    withMessages(0, async (subscription) => {
      await expect(readMessages(subscription, { count: -1 })).rejects.toBeInstanceOf(OptionError);
    }));
});

describe("readUntil", () => {
  it("reads until the predicate holds, that message included", () =>
    withMessages(5, async (subscription) => {
      const { messages, complete } = await readUntil(subscription, (message) => message.text() === "2");
      expect(complete).toBe(true);
      expect(messages.map((message) => message.text())).toEqual(["0", "1", "2"]);
    }));

  it("leaves the subscription readable when the predicate throws", () =>
    withMessages(2, async (subscription) => {
      await expect(
        readUntil(subscription, () => {
          throw new Error("bad predicate");
        }),
      ).rejects.toThrow("bad predicate");
      expect((await readMessages(subscription, { count: 1 })).messages.map((message) => message.text())).toEqual(["1"]);
    }));
});
