import { rmSync, symlinkSync } from "node:fs";
import { relative } from "node:path";
import { Message } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { openDatabase } from "./sqlite/driver.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { openBetterSqlite3 } from "./testing/open-better-sqlite3.ts";
import { temporaryFile } from "./testing/temporary-file.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);
const connect = file.connect.bind(file);

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

  it("inserts nothing for a signal that is aborted, and says so of every message", async () => {
    const pubsub = open();
    const database = connect(driver);
    database.exec("BEGIN");
    const publishing = pubsub.within(database).publish("t", [new Message("1"), new Message("2")], { signal: AbortSignal.abort() });
    await expect(publishing).rejects.toMatchObject({ name: "PublishError", code: "PUBLISH_ABORTED", outcomes: ["rejected", "rejected"] });
    database.exec("COMMIT");
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
