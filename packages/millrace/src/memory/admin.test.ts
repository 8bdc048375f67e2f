import { describe, expect, it } from "vitest";
import { silentLogger } from "../logger/index.ts";
import { Message } from "../message/index.ts";
import { texts } from "./collect.fixture.ts";
import { MemoryPubSub } from "./index.ts";

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index)));

async function pending(promise: Promise<unknown>): Promise<boolean> {
  const none = Symbol("none");
  return (await Promise.race([promise.then(() => undefined), new Promise((resolve) => setTimeout(() => resolve(none), 20))])) === none;
}

describe("the admin of a MemoryPubSub", () => {
  it("lets a member that has read everything go on from where its group was moved to", async () => {
    await using bus = new MemoryPubSub({ persistent: true, logger: silentLogger });
    await bus.publish("t", numbered(3));
    const member = await bus.subscribe("t", { group: "g" });
    expect(await texts(member, 3)).toEqual(["0", "1", "2"]);
    await bus.admin.seek?.("t", "g", { position: "2" });
    expect(member.status().lag).toBe(2);
    expect(await texts(member, 2)).toEqual(["1", "2"]);
  });

  it.each([{ persistent: true }, { persistent: false }])(
    "tells when the oldest message was published, held or not, persistent: $persistent",
    async (options) => {
      await using bus = new MemoryPubSub({ ...options, logger: silentLogger });
      await bus.provision("t", { group: "g" });
      const before = Date.now();
      await bus.publish("t", numbered(1));
      const { messages, oldestAt } = (await bus.admin.lag?.("t", "g")) ?? {};
      expect(messages).toBe(1);
      expect(oldestAt?.getTime()).toBeGreaterThanOrEqual(before);
      const member = await bus.subscribe("t", { group: "g" });
      for await (const message of member) {
        expect(await bus.admin.lag?.("t", "g")).toEqual({ messages: 1, oldestAt });
        message.ack();
        break;
      }
      expect(await bus.admin.lag?.("t", "g")).toEqual({ messages: 0, oldestAt: undefined });
    },
  );

  it("has no seek where nothing old is kept", () => {
    expect(new MemoryPubSub({ logger: silentLogger }).admin.seek).toBeUndefined();
    expect(new MemoryPubSub({ persistent: true, logger: silentLogger }).admin.seek).toBeDefined();
  });

  it("counts one ack of a group for a waiting publisher, also when the group reads the message twice", async () => {
    await using bus = new MemoryPubSub({ persistent: true, blockPublishUntilAck: true, logger: silentLogger });
    for (const group of ["a", "b"]) await bus.provision("t", { group });
    const publishing = bus.publish("t", new Message("x"));
    for (let time = 0; time < 2; time++) {
      const member = await bus.subscribe("t", { group: "a" });
      await texts(member, 1);
      await member.close();
      await bus.admin.seek?.("t", "a", "earliest");
    }
    expect(await pending(publishing)).toBe(true);
    await texts(await bus.subscribe("t", { group: "b" }), 1);
    await publishing;
  });

  it("frees a waiting publisher from a group that was moved past its message, or deleted", async () => {
    await using bus = new MemoryPubSub({ persistent: true, blockPublishUntilAck: true, logger: silentLogger });
    await bus.provision("t", { group: "moved" });
    const publishing = bus.publish("t", new Message("x"));
    expect(await pending(publishing)).toBe(true);
    await bus.admin.seek?.("t", "moved", "latest");
    await publishing;
    await using queue = new MemoryPubSub({ blockPublishUntilAck: true, logger: silentLogger });
    await queue.provision("t", { group: "deleted" });
    const waiting = queue.publish("t", new Message("y"));
    expect(await pending(waiting)).toBe(true);
    await queue.admin.deleteGroup?.("t", "deleted");
    await waiting;
    expect(await queue.admin.topics?.()).toEqual([]);
  });

  it("frees publishers that wait for the room that a deleted group took", async () => {
    await using bus = new MemoryPubSub({ bufferSize: 1, logger: silentLogger });
    for (const group of ["read", "stuck"]) await bus.provision("t", { group });
    await bus.publish("t", new Message("0"));
    await texts(await bus.subscribe("t", { group: "read" }), 1);
    const waiting = bus.publish("t", new Message("1"));
    await bus.admin.deleteGroup?.("t", "stuck");
    await waiting;
    expect(await bus.admin.groups?.("t")).toEqual(["read"]);
  });

  it.each([{ persistent: true }, { persistent: false }])(
    "deletes a group under an idle member, which begins it anew, and is busy while a member holds a message, persistent: $persistent",
    async (options) => {
      await using bus = new MemoryPubSub({ ...options, logger: silentLogger });
      await bus.provision("t", { group: "g" });
      const member = await bus.subscribe("t", { group: "g", ...(options.persistent ? { from: { position: "2" } } : {}) });
      await bus.publish("t", numbered(3));
      const reading = member[Symbol.asyncIterator]();
      const first = (await reading.next()).value;
      await expect(bus.admin.deleteGroup?.("t", "g")).rejects.toMatchObject({ code: "GROUP_BUSY" });
      first?.ack();
      for (let left = 2; left > 0; left--) (await reading.next()).value?.ack();
      await bus.admin.deleteGroup?.("t", "g");
      expect(member.status().lag).toBe(options.persistent ? 2 : 0);
      await bus.publish("t", new Message("3"));
      for (const text of options.persistent ? ["1", "2", "3"] : ["3"]) {
        const message = (await reading.next()).value;
        expect([message?.text(), message?.delivery.attempt]).toEqual([text, 1]);
        message?.ack();
      }
      await member.close();
      expect(await bus.admin.groups?.("t").catch(() => "gone")).toEqual(options.persistent ? ["g"] : "gone"); // provisioned before it was deleted
    },
  );

  it("does not list readings without a group", async () => {
    await using bus = new MemoryPubSub({ logger: silentLogger });
    await bus.subscribe("t");
    expect([await bus.admin.topics?.(), await bus.admin.groups?.("t")]).toEqual([["t"], []]);
  });
});
