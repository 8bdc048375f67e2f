import { Message, type MessageOptions } from "millrace";
import { laterTurn } from "millrace/adapter";
import { describe, expect, it } from "vitest";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { openDatabase, type SqliteDatabase } from "./sqlite/driver.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { BreakingDatabase, sqliteError } from "./testing/breaking-database.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase({ broken: true });
const open = file.open.bind(file);

function connect(): SqliteDatabase {
  const database = openDatabase(file.path);
  file.onEnd(() => closeQuietly(database));
  return database;
}

function closeQuietly(database: SqliteDatabase): void {
  try {
    database.close();
  } catch {
    // The test has closed it.
  }
}

describe("DATABASE_IO", () => {
  it("rejects what the disk would not take, and goes on when it does again", async () => {
    const database = new BreakingDatabase(connect());
    const pubsub = open({ dialect: sqlite({ database }) });
    await pubsub.provision("t", { group: "g" });
    database.fail(/^INSERT INTO "?watermill_t/, sqliteError(778, "disk I/O error"));
    await expect(pubsub.publish("t", new Message("lost"))).rejects.toMatchObject({ code: "DATABASE_IO", retryable: true, outcomes: ["rejected"] });
    database.mend();
    await pubsub.publish("t", new Message("kept"));
    expect((await readSome(await pubsub.subscribe("t", { group: "g" }), 1))[0]?.text()).toBe("kept");
  });

  it("says unknown of messages whose COMMIT failed: they may be in the file", async () => {
    const database = new BreakingDatabase(connect());
    const pubsub = open({ dialect: sqlite({ database }) });
    await pubsub.provision("t");
    database.fail(/^COMMIT/, sqliteError(1034, "disk I/O error"));
    await expect(pubsub.publish("t", [new Message("1"), new Message("2")])).rejects.toMatchObject({ code: "DATABASE_IO", outcomes: ["unknown", "unknown"] });
  });

  it("shows a subscription whose file cannot be read as reconnecting, and heals", async () => {
    const database = new BreakingDatabase(connect());
    const pubsub = open({ dialect: sqlite({ database }) });
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const reading = readSome(subscription, 1);
    database.fail(/./, sqliteError(266, "disk I/O error"));
    pubsub.wake("t");
    await until(() => subscription.status().state === "reconnecting", "it reconnects");
    expect(subscription.status().lastError).toMatchObject({ code: "DATABASE_IO" });
    database.mend();
    await pubsub.publish("t", new Message("x"));
    expect((await reading)[0]?.text()).toBe("x");
  });
});

describe("DATABASE_CLOSED", () => {
  it("rejects when the connection was closed under the pub/sub", async () => {
    const database = connect();
    const pubsub = open({ dialect: sqlite({ database }) });
    await pubsub.publish("t", new Message("x"));
    database.close();
    await expect(pubsub.publish("t", new Message("y"))).rejects.toMatchObject({ code: "DATABASE_CLOSED", retryable: false, outcomes: ["rejected"] });
  });
});

describe("DATABASE_ERROR", () => {
  it("passes on as the cause what the database says of a table that is not ours", async () => {
    connect().exec("CREATE TABLE watermill_t (something TEXT)");
    await expect(open().publish("t", new Message("x"))).rejects.toMatchObject({
      code: "DATABASE_ERROR",
      outcomes: ["rejected"],
      cause: { message: expect.stringMatching(/has no column named/) },
    });
  });
});

describe("PUBLISH_TIMEOUT", () => {
  it("rejects what could not be written in time although the database was free, and writes nothing of it later", async () => {
    const pubsub = open({ publishTimeoutMs: 20 });
    await pubsub.provision("t");
    // In the phase after the timers, so that the time is up before the turn in which the messages would be written.
    await new Promise<void>((resolve) => laterTurn(resolve));
    const publish = pubsub.publish("t", [new Message("late"), new Message("late")]);
    const rejected = expect(publish).rejects.toMatchObject({ code: "PUBLISH_TIMEOUT", retryable: true, outcomes: ["rejected", "rejected"] });
    for (const until = performance.now() + 60; performance.now() < until; );
    await rejected;
    await pubsub.publish("t", new Message("marker"));
    expect(connect().prepare("SELECT count(*) AS n FROM watermill_t").get()).toMatchObject({ n: 1 });
  });
});

describe("TOPIC_MISSING", () => {
  it("rejects publishing and subscribing where the tables are not there and may not be made", async () => {
    const pubsub = open({ dialect: sqlite({ path: file.path, provision: "verify" }) });
    await expect(pubsub.publish("t", new Message("x"))).rejects.toMatchObject({ code: "TOPIC_MISSING", outcomes: ["rejected"] });
    await expect(pubsub.subscribe("t", { group: "g" })).rejects.toMatchObject({ code: "TOPIC_MISSING" });
    await open().provision("t", { group: "g" });
    await pubsub.publish("t", new Message("x"));
    expect((await readSome(await pubsub.subscribe("t", { group: "g" }), 1))[0]?.text()).toBe("x");
  });
});

describe("UNENCODABLE", () => {
  it("rejects all messages of a call when one of them, of another library, cannot be written down", async () => {
    const broken = new Proxy(new Message("x", { metadata: { a: "b" } } satisfies MessageOptions), {
      get(target, name) {
        if (name === "metadata") throw new TypeError("gone");
        return Reflect.get(target, name, target);
      },
    });
    const pubsub = open();
    await pubsub.provision("t");
    await expect(pubsub.publish("t", [new Message("good"), broken])).rejects.toMatchObject({ code: "UNENCODABLE", outcomes: ["rejected", "rejected"] });
    expect(connect().prepare("SELECT count(*) AS n FROM watermill_t").get()).toMatchObject({ n: 0 });
  });
});

describe("GROUP_GONE", () => {
  it("shows that somebody deleted the group, and begins it anew", async () => {
    const pubsub = open({ leaseMs: 300 });
    await pubsub.publish("t", [new Message("1"), new Message("2")]);
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const held = await takeOne(subscription);
    connect().exec("DELETE FROM watermill_offsets_t WHERE consumer_group = 'g'; DELETE FROM millrace_groups");
    expect(await held.settled).toBe("lost");
    expect(subscription.status().lastError).toMatchObject({ code: "GROUP_GONE", retryable: true });
    const again = await readSome(subscription, 2);
    expect(again.map((message) => message.text())).toEqual(["1", "2"]);
    expect(subscription.status().state).toBe("running");
  });
});
