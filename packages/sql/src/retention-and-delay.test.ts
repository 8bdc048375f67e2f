import { Message, OptionError } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { DELAYED_UNTIL, delayed } from "./delay.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);
const connect = file.connect.bind(file);

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index)));

describe("delayed messages", () => {
  it("enter the log when they are due, in the order of their times, and hold nobody up", async () => {
    const pubsub = open();
    const subscription = await pubsub.subscribe("t", { group: "g" });
    await pubsub.publish("t", [
      delayed(new Message("300"), { delayMs: 300 }),
      delayed(new Message("100"), { delayMs: 100 }),
      delayed(new Message("200"), { until: new Date(Date.now() + 200) }),
      new Message("now"),
    ]);
    const began = performance.now();
    expect((await readSome(subscription, 4)).map((message) => message.text())).toEqual(["now", "100", "200", "300"]);
    expect(performance.now() - began).toBeGreaterThan(250);
  });

  it("enter once, let in by any process that has the database open, also after their publisher has gone", async () => {
    const publisher = open();
    await publisher.publish(
      "t",
      Array.from({ length: 20 }, (_, index) => delayed(new Message(String(index)), { delayMs: 100 })),
    );
    await publisher.close();
    const others = [open(), open(), open()];
    for (const other of others) await other.publish("other", new Message("x"));
    const database = connect();
    await until(() => (database.prepare("SELECT count(*) AS n FROM watermill_t").get() as { n: number }).n >= 20, "all are in");
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(database.prepare("SELECT count(*) AS n FROM watermill_t").get()).toMatchObject({ n: 20 });
  });

  it("go straight into the log when their time is over, and are refused when it is no time", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("x", { metadata: { [DELAYED_UNTIL]: "2020-01-01T00:00:00Z" } }));
    expect(await readSome(await pubsub.subscribe("t"), 1)).toHaveLength(1);
    await expect(pubsub.publish("t", new Message("x", { metadata: { [DELAYED_UNTIL]: "soon" } }))).rejects.toMatchObject({ code: "INVALID_DELAY" });
  });
});

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
});
