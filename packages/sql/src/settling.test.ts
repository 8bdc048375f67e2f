import { Message, type ReceivedMessage } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { BreakingDatabase, sqliteError } from "./testing/breaking-database.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);
const connect = file.connect.bind(file);

const position = () => connect().prepare("SELECT offset_acked AS acked FROM watermill_offsets_t WHERE consumer_group = 'g'").get();
const claims = () => connect().prepare("SELECT owner FROM millrace_claims").all();

describe("an exchange that tells of a loss", () => {
  it("hands out once what it brings, though whoever hears of the loss gives a verdict at once", async () => {
    const pubsub = open();
    const subscription = await pubsub.subscribe("t", { group: "g", maxInFlight: 8, orderBy: "none" });
    const texts: string[] = [];
    const held = new Map<string, ReceivedMessage>();
    void (async () => {
      for await (const message of subscription) {
        texts.push(message.text());
        held.set(message.text(), message);
      }
    })();
    await pubsub.publish("t", [new Message("1"), new Message("2"), new Message("3")]);
    await until(() => held.size === 3, "all are in hand");
    subscription.pause();
    held.get("2")?.nack(); // cuts the claim: 1 and 3 are in one each
    await until(() => claims().length === 3, "2 has gone back");
    subscription.resume();
    await until(() => texts.length === 4, "2 has come again");
    connect().exec("UPDATE millrace_claims SET owner = 'other/30000', epoch = epoch + 1 WHERE upto_offset = 3");
    held.get("3")?.signal.addEventListener("abort", () => held.get("1")?.nack({ delayMs: 60_000 }));
    await pubsub.publish("t", [new Message("4"), new Message("5")]);
    await until(() => held.has("5"), "what is new is in hand");
    await subscription.flush();
    await pubsub.publish("t", new Message("6"));
    await until(() => held.has("6"), "what is newer is in hand");
    expect(texts).toEqual(["1", "2", "3", "2", "4", "5", "6"]);
    await subscription[Symbol.asyncDispose]();
  });
});

describe("an exchange that was committed, though the commit failed", () => {
  it("costs no message: what it granted untold is granted again", async () => {
    const database = new BreakingDatabase(connect());
    const pubsub = open({ dialect: sqlite({ database }) });
    const writer = open();
    const subscription = await pubsub.subscribe("t", { group: "g", maxInFlight: 8, orderBy: "none" });
    const held: ReceivedMessage[] = [];
    void (async () => {
      for await (const message of subscription) held.push(message);
    })();
    await writer.publish("t", new Message("1"));
    await until(() => held.length === 1, "1 is in hand");
    database.failOnceDone(/^COMMIT/, sqliteError(1034, "disk I/O error"));
    await writer.publish("t", [new Message("2"), new Message("3")]);
    await until(() => subscription.status().state === "blocked", "the exchange has failed");
    await writer.publish("t", new Message("4"));
    await until(() => held.some((message) => message.text() === "4"), "4 is in hand");
    for (const message of held) message.ack();
    await subscription.flush();
    await writer.publish("t", new Message("5"));
    await until(() => held.some((message) => message.text() === "5"), "5 is in hand");
    held.at(-1)?.ack();
    expect(held.map((message) => message.text())).toEqual(["1", "2", "3", "4", "5"]);
  });
});

describe("verdicts", () => {
  it("are durable after flush when they were given while a fetch waited for the lock", async () => {
    const pubsub = open();
    await pubsub.publish("t", [new Message("1"), new Message("2")]);
    const subscription = await pubsub.subscribe("t", { group: "g", maxInFlight: 4 });
    const held: ReceivedMessage[] = [];
    const reading = (async () => {
      for await (const message of subscription) if (held.push(message) === 3) break;
    })();
    await until(() => held.length === 2, "both are in hand");
    const other = connect();
    other.exec("BEGIN IMMEDIATE");
    pubsub.wake("t"); // what there is to fetch is looked up, and the lock waited for
    await new Promise((resolve) => setTimeout(resolve, 30));
    for (const message of held) expect(message.ack()).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 30));
    other.exec("ROLLBACK");
    await subscription.flush();
    expect(position()).toMatchObject({ acked: 2 });
    await pubsub.publish("t", new Message("3"));
    await reading;
    expect(held.map((message) => message.text())).toEqual(["1", "2", "3"]);
    held[2]?.ack();
  });

  it("that a session could not make durable before it broke are made durable by the next one, and nothing comes again", async () => {
    const database = new BreakingDatabase(connect());
    const pubsub = open({ dialect: sqlite({ database }) });
    await pubsub.publish("t", new Message("1"));
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const message = await takeOne(subscription);
    database.fail(/^UPDATE "watermill_offsets/, sqliteError(778, "disk I/O error"));
    expect(message.ack()).toBe(true);
    await until(() => subscription.status().state === "reconnecting", "the session broke");
    await expect(subscription.flush()).rejects.toMatchObject({ code: "SETTLE_FAILED", positions: ["1"] });
    database.mend();
    await until(() => subscription.status().state === "running", "there is another session");
    await subscription.flush();
    expect(position()).toMatchObject({ acked: 1 });
    await pubsub.publish("t", new Message("2"));
    expect((await readSome(subscription, 1)).map((next) => next.text())).toEqual(["2"]);
  });
});

describe("a subscription that is disposed while the database is locked", () => {
  it("takes nothing more when its fetch gets the lock at last", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("1"));
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const other = connect();
    other.exec("BEGIN IMMEDIATE");
    const reading = readSome(subscription, 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const disposed = subscription[Symbol.asyncDispose]();
    other.exec("ROLLBACK");
    await disposed;
    expect(await reading).toEqual([]);
    expect(claims()).toEqual([]);
    expect((await readSome(await pubsub.subscribe("t", { group: "g" }), 1)).map((message) => message.text())).toEqual(["1"]);
  });
});
