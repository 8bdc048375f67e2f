import { Message, OptionError } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);
const connect = file.connect.bind(file);

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index)));

describe("retention", () => {
  it("deletes what all groups have consumed, and nothing that one still needs", async () => {
    const pubsub = open({ retention: { consumed: true, everyMs: 20 } });
    await pubsub.provision("t", { group: "slow" });
    await pubsub.publish("t", numbered(30));
    const fast = await pubsub.subscribe("t", { group: "fast" });
    await readSome(fast, 30);
    await fast.flush();
    const slow = await pubsub.subscribe("t", { group: "slow" });
    await readSome(slow, 10);
    await slow.flush();
    const count = (): number => (database.prepare("SELECT count(*) AS n FROM watermill_t").get() as { n: number }).n;
    const database = connect();
    await until(() => count() === 20, "ten are deleted");
    expect(await readSome(slow, 20)).toHaveLength(20);
    await slow.flush();
    await until(() => count() === 0, "all are deleted");
    await pubsub.publish("t", new Message("next", { id: "next" }));
    expect((await readSome(fast, 1))[0]?.id).toBe("next");
  });

  it("keeps the newest, and deletes what a group needs only when asked", async () => {
    const pubsub = open();
    await pubsub.provision("t", { group: "g" });
    await pubsub.publish("t", numbered(1200));
    expect(await pubsub.purge("t", { maxMessages: 100 })).toBe(0);
    expect(await pubsub.purge("t", { maxMessages: 100, includeUnread: true })).toBe(1100);
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const found = await readSome(subscription, 100);
    expect(found[0]?.text()).toBe("1100");
    await subscription.flush();
    expect(connect().prepare("SELECT offset_acked FROM watermill_offsets_t").get()).toMatchObject({ offset_acked: 1200 });
  });

  it("deletes by age", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("old"));
    connect().exec("UPDATE watermill_t SET created_at = '2020-01-01T00:00:00Z'");
    await pubsub.publish("t", new Message("new"));
    expect(await pubsub.purge("t", { maxAgeMs: 60_000 })).toBe(1);
    await expect(pubsub.purge("t", {})).rejects.toBeInstanceOf(OptionError);
  });

  it("deletes nothing for an age that no message can have, nor for what is no number", async () => {
    const pubsub = open();
    await pubsub.publish("t", numbered(3));
    expect(await pubsub.purge("t", { maxAgeMs: Number.MAX_SAFE_INTEGER })).toBe(0);
    for (const rule of [{ maxAgeMs: Infinity }, { maxAgeMs: Number.NaN }, { maxMessages: -5 }, { maxAgeMs: "1h" as unknown as number }]) {
      await expect(pubsub.purge("t", rule)).rejects.toBeInstanceOf(OptionError);
    }
    expect(connect().prepare("SELECT count(*) AS n FROM watermill_t").get()).toMatchObject({ n: 3 });
  });
});
