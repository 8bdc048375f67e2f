import { rmSync, symlinkSync } from "node:fs";
import { relative } from "node:path";
import { Message, OptionError } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { sqlDelivery } from "./delivery.ts";
import { SqlPubSub } from "./pub-sub.ts";
import { openDatabase } from "./sqlite/driver.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { openBetterSqlite3 } from "./testing/open-better-sqlite3.ts";
import { temporaryFile } from "./testing/temporary-file.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);
const connect = file.connect.bind(file);

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index)));

describe("options", () => {
  it("lists every bad one at construction, and touches no file", () => {
    const bad = () => new SqlPubSub({ dialect: sqlite({ path: file.path }), leaseMs: 1, maxGap: 0, retention: { maxMessages: -1 } });
    expect(bad).toThrow(OptionError);
    expect(bad).toThrow(/maxGap.*|leaseMs.*retention\.maxMessages/);
    expect(() => sqlite({})).toThrow(/either path or database/);
  });

  it("refuses a position that is no offset", async () => {
    await expect(open().subscribe("t", { group: "g", from: { position: "x" } })).rejects.toBeInstanceOf(OptionError);
  });
});

describe.each(["node:sqlite", "better-sqlite3"] as const)("within a transaction of the caller's, on %s", (driver) => {
  it("delivers after the commit, and nothing of a transaction that is rolled back", async () => {
    const pubsub = open();
    const database = connect(driver);
    const subscription = await pubsub.subscribe("t", { group: "g" });
    database.exec("CREATE TABLE orders (id TEXT)");
    database.exec("BEGIN");
    pubsub.within(database).publishSync("t", new Message("gone"));
    database.exec("ROLLBACK");
    database.exec("BEGIN");
    database.prepare("INSERT INTO orders VALUES (?)").run("o-1");
    pubsub.within(database).publishSync("t", [new Message("kept"), new Message("too")]);
    await pubsub.within(database).publish("t", new Message("three"));
    database.exec("COMMIT");
    pubsub.wake("t");
    expect((await readSome(subscription, 3)).map((message) => message.text())).toEqual(["kept", "too", "three"]);
  });

  it("works on the connection that the pub/sub itself was given", async () => {
    const database = connect(driver);
    const pubsub = open({ dialect: sqlite({ database }) });
    const subscription = await pubsub.subscribe("t", { group: "g" });
    database.exec("BEGIN");
    pubsub.within(database).publishSync("t", new Message("inside"));
    const outside = pubsub.publish("t", new Message("outside")); // waits until the transaction is over
    await new Promise((resolve) => setTimeout(resolve, 60));
    database.exec("COMMIT");
    await outside;
    expect((await readSome(subscription, 2)).map((message) => message.text())).toEqual(["inside", "outside"]);
    await pubsub.close();
    database.exec("SELECT 1"); // still open: it is the caller's
  });

  it("makes the topic's tables inside the transaction, and again when that was rolled back", () => {
    const database = connect(driver);
    const pubsub = open();
    for (const end of ["ROLLBACK", "COMMIT"]) {
      database.exec("BEGIN");
      pubsub.within(database).publishSync("fresh", new Message("x"));
      database.exec(end);
    }
    expect(database.prepare("SELECT count(*) AS n FROM watermill_fresh").get()).toMatchObject({ n: 1 });
  });

  it("refuses with OTHER_DATABASE a connection to another file, or to one in memory, and writes nothing", () => {
    const other = temporaryFile();
    const databases = [other.path, ":memory:"].map((path) => (driver === "node:sqlite" ? openDatabase(path) : openBetterSqlite3(path)));
    try {
      connect(driver);
      for (const dialect of [sqlite({ path: file.path }), sqlite({ database: connect() }), sqlite({ path: ":memory:" })]) {
        for (const database of databases) {
          database.exec("BEGIN");
          expect(() => open({ dialect }).within(database).publishSync("t", new Message("x"))).toThrow(
            expect.objectContaining({
              code: "OTHER_DATABASE",
              retryable: false,
              outcomes: ["rejected"],
              message: expect.stringMatching(/open the connection on/),
            }),
          );
          database.exec("COMMIT");
          expect(database.prepare("SELECT name FROM sqlite_schema").all()).toEqual([]);
        }
      }
    } finally {
      for (const database of databases) database.close();
      other.remove();
    }
  });

  it("takes a connection to the same file by another name", () => {
    const link = `${file.path}-link`;
    symlinkSync(file.path, link);
    file.onEnd(() => rmSync(link));
    const database = connect(driver);
    const address = `file://${file.path.replaceAll(".", "%2e")}?mode=rwc`;
    for (const path of [link, relative(process.cwd(), file.path), address]) {
      database.exec("BEGIN");
      open({ dialect: sqlite({ path }) })
        .within(database)
        .publishSync("t", new Message("x"));
      database.exec("COMMIT");
    }
    expect(database.prepare("SELECT count(*) AS n FROM watermill_t").get()).toMatchObject({ n: 3 });
  });

  it("refuses with DATABASE_CLOSED a connection that is closed", () => {
    const database = driver === "node:sqlite" ? openDatabase(file.path) : openBetterSqlite3(file.path);
    const within = open().within(database);
    database.exec("BEGIN");
    within.publishSync("t", new Message("x"));
    database.close();
    for (const publisher of [within, open().within(database)])
      expect(() => publisher.publishSync("t", new Message("x"))).toThrow(
        expect.objectContaining({ code: "DATABASE_CLOSED", retryable: false, outcomes: ["rejected"] }),
      );
  });

  it("refuses with NO_TRANSACTION when none is open", () => {
    const database = connect(driver);
    expect(() => open().within(database).publishSync("t", new Message("x"))).toThrow(
      expect.objectContaining({ code: "NO_TRANSACTION", outcomes: ["rejected"] }),
    );
  });
});

describe("groups", () => {
  it("remembers attempts through a change of members", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("x"));
    for (const attempt of [1, 2, 3]) {
      const subscription = await pubsub.subscribe("t", { group: "g" });
      const message = await takeOne(subscription);
      expect(message.delivery.attempt).toBe(attempt);
      message.nack({ delayMs: 10 });
      await subscription[Symbol.asyncDispose]();
    }
    const last = await pubsub.subscribe("t", { group: "g" });
    expect((await readSome(last, 1))[0]?.delivery.attempt).toBe(4);
    await last.flush();
    expect(connect().prepare("SELECT count(*) AS n FROM millrace_attempts").get()).toMatchObject({ n: 0 });
  });

  it("lets another member wait as well until a message that was given back is due again", async () => {
    const pubsub = open();
    await pubsub.publish("t", numbered(2));
    const first = await pubsub.subscribe("t", { group: "g", orderBy: "none" });
    const message = await takeOne(first);
    const began = performance.now();
    message.nack({ delayMs: 300 });
    await first[Symbol.asyncDispose]();
    const second = await pubsub.subscribe("t", { group: "g", maxInFlight: 2, orderBy: "none" });
    const seen = await readSome(second, 2);
    expect(performance.now() - began).toBeGreaterThan(298);
    expect(seen.map((one) => [one.text(), one.delivery.attempt])).toEqual([
      ["1", 1],
      ["0", 2],
    ]);
    await second.flush();
    expect(connect().prepare("SELECT count(*) AS n FROM millrace_attempts").get()).toMatchObject({ n: 0 });
  });

  it("takes a database of an earlier release, which knew no moments, and remembers them from then on", async () => {
    const first = open();
    await first.publish("t", new Message("x"));
    const subscription = await first.subscribe("t", { group: "g" });
    (await takeOne(subscription)).nack({ delayMs: 1 });
    await first.close();
    connect().exec("ALTER TABLE millrace_attempts DROP COLUMN due_ms");
    const pubsub = open();
    const again = await pubsub.subscribe("t", { group: "g" });
    const message = await takeOne(again);
    expect(message.delivery.attempt).toBe(2);
    message.nack({ delayMs: 60_000 });
    await again[Symbol.asyncDispose]();
    expect(connect().prepare("SELECT due_ms > 0 AS known FROM millrace_attempts").get()).toMatchObject({ known: 1 });
  });

  it("repeats nothing that was acked out of order and flushed when another member takes over", async () => {
    const pubsub = open();
    await pubsub.publish("t", numbered(20));
    const first = await pubsub.subscribe("t", { group: "g", maxInFlight: 20, orderBy: "none" });
    let seen = 0;
    for await (const message of first) {
      if (Number(message.text()) % 5 !== 0) message.ack();
      if (++seen === 20) break;
    }
    await first.flush();
    await first[Symbol.asyncDispose]();
    const second = await open({ dialect: sqlite({ path: file.path }) }).subscribe("t", { group: "g" });
    expect((await readSome(second, 4)).map((message) => message.text())).toEqual(["0", "5", "10", "15"]);
    await second.flush();
    expect(connect().prepare("SELECT offset_acked FROM watermill_offsets_t").get()).toMatchObject({ offset_acked: 20 });
    expect(connect().prepare("SELECT count(*) AS n FROM millrace_claims").get()).toMatchObject({ n: 0 });
  });

  it("takes another name in the database where groupName says so", async () => {
    const pubsub = open({ groupName: (topic, group) => `${topic}.${group}` });
    await pubsub.provision("t", { group: "g" });
    expect(connect().prepare("SELECT consumer_group AS name FROM watermill_offsets_t").get()).toMatchObject({ name: "t.g" });
  });

  it("tells offset and time of entry, as the database has them", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("x"));
    const message = await takeOne(await pubsub.subscribe("t"));
    expect(sqlDelivery(message)).toMatchObject({ offset: 1, createdAt: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(message.delivery.position).toBe("1");
    message.ack();
  });

  it("writes nothing while it is idle", async () => {
    const pubsub = open({ leaseMs: 300 });
    await pubsub.publish("t", new Message("x"));
    const subscription = await pubsub.subscribe("t", { group: "g" });
    await readSome(subscription, 1);
    await subscription.flush();
    const other = connect();
    const version = other.prepare("PRAGMA data_version").get();
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(other.prepare("PRAGMA data_version").get()).toEqual(version);
  });
});
