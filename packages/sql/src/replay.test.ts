import { Message } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { openDatabase } from "./sqlite/driver.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { BreakingDatabase, sqliteError } from "./testing/breaking-database.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index)));

describe("a reading without a group", () => {
  it("tells how many messages it has not settled, and when the oldest was published", async () => {
    const bus = open();
    await bus.publish("t", numbered(10));
    const subscription = await bus.subscribe("t", { maxInFlight: 4, orderBy: "none" });
    const taken = await readSome(subscription, 4, false);
    await until(() => subscription.status().lag === 10, "all ten are unsettled");
    taken[1]?.ack();
    await subscription.flush();
    expect(subscription.status().lag).toBe(9);
    expect(subscription.status().oldestAt).toEqual(taken[0]?.delivery.publishedAt);
    for (const index of [0, 2, 3]) taken[index]?.ack();
    await readSome(subscription, 6);
    await subscription.flush();
    expect(subscription.status()).toMatchObject({ lag: 0, oldestAt: undefined });
  });

  it("hands out what was given back at a pause also when the database was in trouble meanwhile", async () => {
    const plain = openDatabase(file.path);
    file.onEnd(() => plain.close());
    plain.exec("PRAGMA journal_mode = WAL");
    const database = new BreakingDatabase(plain);
    const bus = open({ dialect: sqlite({ database, pollMs: 5 }) });
    await bus.publish("t", numbered(20));
    const subscription = await bus.subscribe("t", { maxInFlight: 1 });
    (await takeOne(subscription)).ack();
    const second = await takeOne(subscription);
    await until(() => subscription.status().held > 0, "more is held");
    subscription.pause();
    await until(() => subscription.status().held === 0, "what was held is given back");
    await until(() => subscription.status().lag === 19, "the verdict has arrived");
    database.fail(/data_version/, sqliteError(10, "disk I/O error"));
    await until(() => subscription.status().state === "reconnecting", "the session has ended");
    database.mend();
    await until(() => subscription.status().state === "paused", "there is another session");
    expect(subscription.status().lag).toBe(19);
    second.ack();
    subscription.resume();
    expect((await readSome(subscription, 18)).map((message) => Number(message.text()))).toEqual(Array.from({ length: 18 }, (_, index) => index + 2));
    expect(subscription.status().lag).toBe(0);
  });
});
