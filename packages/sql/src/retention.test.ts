import { Message, silentLogger } from "millrace";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Log } from "./dialect.ts";
import { KeptFor, MANY_KEPT, UNMOVED_MS } from "./kept-for.ts";
import { Retention } from "./retention.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const logOf = (purge: () => Promise<number>): Log => ({ purge, checkTopic() {} }) as unknown as Log;

describe("retention", () => {
  it("tries again later when it cannot delete, though its logger throws", async () => {
    let rounds = 0;
    const purge = async (): Promise<number> => {
      if (++rounds < 3) throw new Error("locked");
      return 0;
    };
    const throws = (): never => {
      throw new Error("the disk is full");
    };
    const retention = new Retention(logOf(purge), { everyMs: 10 }, { trace: throws, debug: throws, info: throws, warn: throws, error: throws });
    retention.add("t");
    await vi.advanceTimersByTimeAsync(30);
    retention.stop();
    expect(rounds).toBe(3);
  });

  it("says nothing of a deletion that was under way when it was stopped", async () => {
    const warn = vi.fn();
    let refuse = (_error: Error): void => {};
    const purge = (): Promise<number> => new Promise((_, reject) => (refuse = reject));
    const retention = new Retention(logOf(purge), { everyMs: 10 }, { ...silentLogger, warn });
    retention.add("t");
    await vi.advanceTimersByTimeAsync(10);
    retention.stop();
    refuse(new Error("closed"));
    await vi.advanceTimersByTimeAsync(100);
    expect(warn).not.toHaveBeenCalled();
  });

  it("warns, once, of a group that does not move and for which messages are kept, until it is deleted", async () => {
    const warn = vi.fn();
    const pubsub = file.open({ retention: { consumed: true }, logger: { ...silentLogger, warn } });
    const numbered = Array.from({ length: MANY_KEPT }, (_, index) => new Message(String(index)));
    const publish = async (): Promise<void> => {
      const publishing = pubsub.publish("t", numbered);
      await vi.advanceTimersByTimeAsync(100);
      await publishing;
    };
    await pubsub.provision("t", { group: "used" });
    await pubsub.provision("t", { group: "unused" });
    const subscription = await pubsub.subscribe("t", { group: "used" });
    void (async () => {
      for await (const message of subscription) message.ack();
    })();
    await publish();
    await vi.advanceTimersByTimeAsync(UNMOVED_MS);
    expect(warn).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2 * UNMOVED_MS);
    expect(warn.mock.calls).toEqual([
      [{ topic: "t", group: "unused", messages: MANY_KEPT, oldestAt: expect.any(String) }, expect.stringMatching(/kept .* admin\.deleteGroup/)],
    ]);
    await pubsub.admin.deleteGroup?.("t", "unused");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await pubsub.purge("t", { consumed: true })).toBe(0);
    expect(file.connect().prepare("SELECT count(*) AS n FROM watermill_t").get()).toMatchObject({ n: 0 });
    await publish();
    await vi.advanceTimersByTimeAsync(3 * UNMOVED_MS);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it("takes no notice of a topic that cannot be, nor lets one without tables keep it from the others", async () => {
    const warn = vi.fn();
    const pubsub = file.open({ retention: { consumed: true }, logger: { ...silentLogger, warn } });
    await expect(pubsub.publish("not a topic", new Message("x"))).rejects.toMatchObject({ code: "BAD_TOPIC" });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(warn).not.toHaveBeenCalled();
    const groups = (topic: string): readonly string[] => {
      if (topic === "missing") throw new Error("no such table");
      return ["g"];
    };
    const lag = () => ({ messages: MANY_KEPT, oldestAt: undefined, settledTo: 0 });
    const keptFor = new KeptFor({ admin: { groups, lag } } as unknown as Log, { ...silentLogger, warn });
    for (let look = 0; look < 2; look++) {
      await keptFor.look(["missing", "t"]);
      await vi.advanceTimersByTimeAsync(UNMOVED_MS);
    }
    expect(warn).toHaveBeenCalledOnce();
  });

  it("warns of no group that moves, of few messages, or where unread ones are deleted too", async () => {
    const warn = vi.fn();
    const logger = { ...silentLogger, warn };
    const open = (rules: object): ReturnType<typeof file.open> => file.open({ retention: { maxMessages: 10_000, ...rules }, logger });
    const keeping = open({});
    const publish = async (topic: string, count: number, pubsub = keeping): Promise<void> => {
      const publishing = pubsub.publish(
        topic,
        Array.from({ length: count }, () => new Message("x")),
      );
      await vi.advanceTimersByTimeAsync(100);
      await publishing;
    };
    for (const topic of ["slow", "few", "unread"]) await keeping.provision(topic, { group: "g" });
    await keeping.close();
    const pubsub = open({});
    await publish("slow", MANY_KEPT * 2, pubsub);
    await publish("few", MANY_KEPT - 1, pubsub);
    await publish("unread", MANY_KEPT, open({ includeUnread: true }));
    const subscription = await pubsub.subscribe("slow", { group: "g" });
    void (async () => {
      for await (const message of subscription) {
        await new Promise((resolve) => setTimeout(resolve, UNMOVED_MS / 2));
        message.ack();
      }
    })();
    await vi.advanceTimersByTimeAsync(5 * UNMOVED_MS);
    expect(warn.mock.calls.map(([, text]) => text)).not.toContainEqual(expect.stringMatching(/does not move/));
    const closing = pubsub.close();
    await vi.advanceTimersByTimeAsync(60_000);
    await closing;
  });
});
