import { Message, silentLogger } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { BreakingDatabase, sqliteError } from "./testing/breaking-database.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);
const connect = file.connect.bind(file);

const numbered = (count: number, prefix: string): Message[] => Array.from({ length: count }, (_, index) => new Message(`${prefix}${index + 1}`));
const texts = (messages: readonly { text(): string }[]): string[] => messages.map((message) => message.text());

/** As somebody does who wants the queue empty. */
function empty(): void {
  connect().exec("DELETE FROM watermill_t; DELETE FROM sqlite_sequence WHERE name = 'watermill_t'");
}

async function handleOld(): Promise<void> {
  const pubsub = open();
  await pubsub.publish("t", numbered(5, "old"));
  const subscription = await pubsub.subscribe("t", { group: "g" });
  await readSome(subscription, 5);
  await pubsub.close();
}

describe("a topic whose numbers begin anew", () => {
  it.each([3, 5, 9])("delivers all %i new messages to a group that was away, and says so in the log", async (count) => {
    await handleOld();
    empty();
    const told: unknown[] = [];
    const pubsub = open({ logger: { ...silentLogger, error: (...given: unknown[]) => told.push(given) } });
    await pubsub.publish("t", numbered(count, "new"));
    const subscription = await pubsub.subscribe("t", { group: "g" });
    expect(texts(await readSome(subscription, count))).toEqual(texts(numbered(count, "new")));
    expect(told).toEqual([[{ topic: "t", group: "g" }, expect.stringMatching(/begun anew/)]]);
  });

  it("delivers them to a group that is there, which loses what it held of the old ones", async () => {
    const pubsub = open();
    await pubsub.publish("t", numbered(5, "old"));
    const subscription = await pubsub.subscribe("t", { group: "g" });
    await readSome(subscription, 3);
    const held = await takeOne(subscription);
    await subscription.flush();
    empty();
    await pubsub.publish("t", numbered(2, "new"));
    expect(await held.settled).toBe("lost");
    expect(texts(await readSome(subscription, 2))).toEqual(["new1", "new2"]);
  });

  it("delivers them to each of its groups that are there", async () => {
    const pubsub = open();
    await pubsub.publish("t", numbered(5, "old"));
    const subscriptions = await Promise.all(["g", "h"].map((group) => pubsub.subscribe("t", { group })));
    await Promise.all(subscriptions.map((subscription) => readSome(subscription, 5)));
    empty();
    await pubsub.publish("t", numbered(2, "new"));
    for (const subscription of subscriptions) expect(texts(await readSome(subscription, 2))).toEqual(["new1", "new2"]);
  });

  it("delivers them when the transaction that noticed it first has to be repeated", async () => {
    const database = new BreakingDatabase(connect());
    const pubsub = open({ dialect: sqlite({ database }) });
    await pubsub.publish("t", numbered(5, "old"));
    const subscription = await pubsub.subscribe("t", { group: "g" });
    await readSome(subscription, 5);
    await subscription.flush();
    empty();
    database.fail(/^UPDATE "watermill_offsets_t"/, sqliteError(5, "database is locked"));
    await pubsub.publish("t", numbered(2, "new"));
    const read = readSome(subscription, 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    database.mend();
    expect(texts(await read)).toEqual(["new1", "new2"]);
  });

  it("delivers them when its table was dropped and made again", async () => {
    await handleOld();
    connect().exec("DROP TABLE watermill_t");
    const pubsub = open();
    await pubsub.publish("t", numbered(2, "new"));
    expect(texts(await readSome(await pubsub.subscribe("t", { group: "g" }), 2))).toEqual(["new1", "new2"]);
  });

  it("delivers them to a reading without a group", async () => {
    const pubsub = open();
    await pubsub.publish("t", numbered(5, "old"));
    const subscription = await pubsub.subscribe("t");
    await readSome(subscription, 5);
    empty();
    await pubsub.publish("t", numbered(2, "new"));
    expect(texts(await readSome(subscription, 2))).toEqual(["new1", "new2"]);
  });

  it("keeps new messages from retention until the group has noticed", async () => {
    await handleOld();
    empty();
    const pubsub = open();
    await pubsub.publish("t", numbered(3, "new"));
    expect(await pubsub.purge("t", { consumed: true })).toBe(0);
    expect(await pubsub.purge("t", { maxMessages: 1 })).toBe(0);
  });
});

describe("a topic whose numbers go on", () => {
  it("repeats nothing when its counter alone was set back", async () => {
    await handleOld();
    connect().exec("UPDATE sqlite_sequence SET seq = 0");
    const pubsub = open();
    const subscription = await pubsub.subscribe("t", { group: "g" });
    await pubsub.publish("t", new Message("next"));
    expect(texts(await readSome(subscription, 1))).toEqual(["next"]);
  });

  it("repeats nothing when it was emptied and its counter left alone", async () => {
    await handleOld();
    connect().exec("DELETE FROM watermill_t");
    const pubsub = open();
    const subscription = await pubsub.subscribe("t", { group: "g" });
    await pubsub.publish("t", new Message("next"));
    expect(texts(await readSome(subscription, 1))).toEqual(["next"]);
  });

  it("waits for a number beyond its end where a group was told to begin there", async () => {
    const pubsub = open();
    await pubsub.publish("t", numbered(2, "early"));
    const subscription = await pubsub.subscribe("t", { group: "g", from: { position: "5" } });
    await pubsub.publish("t", numbered(3, "late"));
    expect(texts(await readSome(subscription, 1))).toEqual(["late3"]);
  });
});
