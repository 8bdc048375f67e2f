import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Message } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { openDatabase, type SqliteDatabase } from "./sqlite/driver.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { latenessMeter } from "./testing/lateness-meter.ts";
import { openBetterSqlite3 } from "./testing/open-better-sqlite3.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase({ broken: true });
const open = file.open.bind(file);

function connect(): SqliteDatabase {
  const database = openDatabase(file.path);
  file.onEnd(() => database.close());
  return database;
}

describe("a locked database", () => {
  it("makes publish wait without blocking the event loop, and confirms when the lock is gone", async () => {
    const pubsub = open();
    await pubsub.provision("t");
    const other = connect();
    other.exec("BEGIN IMMEDIATE");
    const lateness = latenessMeter();
    let settled = false;
    const publish = pubsub.publish("t", new Message("x")).finally(() => {
      settled = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(settled).toBe(false);
    other.exec("COMMIT");
    await publish;
    expect(lateness()).toBeLessThan(50);
  });

  it("rejects with DATABASE_BUSY when it stays locked, and writes nothing later", async () => {
    const pubsub = open({ publishTimeoutMs: 150 });
    await pubsub.provision("t");
    const other = connect();
    other.exec("BEGIN IMMEDIATE");
    await expect(pubsub.publish("t", new Message("x"))).rejects.toMatchObject({ code: "DATABASE_BUSY", retryable: true, outcomes: ["rejected"] });
    other.exec("COMMIT");
    await pubsub.publish("t", new Message("marker"));
    expect(other.prepare("SELECT count(*) AS n FROM watermill_t").get()).toMatchObject({ n: 1 });
  });

  it("stays responsive on a better-sqlite3 connection that has a busy timeout, and leaves that timeout as it was", async () => {
    const database = openBetterSqlite3(file.path);
    file.onEnd(() => database.close());
    const pubsub = open({ dialect: sqlite({ database }) });
    await pubsub.provision("t");
    const before = database.prepare("PRAGMA busy_timeout").get();
    const other = openBetterSqlite3(file.path); // not with the other library: its closing would give up the locks of this one
    file.onEnd(() => other.close());
    other.exec("BEGIN IMMEDIATE");
    const lateness = latenessMeter();
    const publish = pubsub.publish("t", new Message("x"));
    await new Promise((resolve) => setTimeout(resolve, 200));
    other.exec("COMMIT");
    await publish;
    expect(lateness()).toBeLessThan(50);
    expect(database.prepare("PRAGMA busy_timeout").get()).toEqual(before);
  });

  it("drops what a subscription holds when the lock outlasts its lease, and delivers it again afterwards", async () => {
    const pubsub = open({ leaseMs: 300 });
    await pubsub.publish("t", new Message("x"));
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const held = await takeOne(subscription);
    const other = connect();
    other.exec("BEGIN IMMEDIATE");
    expect(await held.settled).toBe("lost");
    expect(held.ack()).toBe(false);
    other.exec("COMMIT");
    expect((await readSome(subscription, 1))[0]?.id).toBe(held.id);
  });
});

describe("a damaged or missing file", () => {
  it("rejects with DATABASE_CORRUPT, shows the subscription as reconnecting, and heals when the file is replaced", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("x"));
    const subscription = await pubsub.subscribe("t", { group: "g" });
    await readSome(subscription, 1);
    const spoil = (): void => {
      for (const suffix of ["-wal", "-shm"]) rmSync(file.path + suffix, { force: true });
      writeFileSync(file.path, new Uint8Array(32_768).fill(0x5a));
    };
    const other = connect();
    other.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    spoil();
    await expect(pubsub.publish("t", new Message("y"))).rejects.toMatchObject({ code: "DATABASE_CORRUPT", outcomes: ["rejected"] });
    await until(() => subscription.status().state === "reconnecting", "the subscription notices");
    expect(subscription.status().lastError).toMatchObject({ code: "DATABASE_CORRUPT" });
    for (const suffix of ["", "-wal", "-shm"]) rmSync(file.path + suffix, { force: true });
    await pubsub.publish("t", new Message("new", { id: "new" }));
    expect((await readSome(subscription, 1))[0]?.id).toBe("new");
  });

  it("rejects with DATABASE_UNREACHABLE while the folder is missing, and works as soon as it exists", async () => {
    const path = join(dirname(file.path), "later", "log.db");
    const pubsub = open({ dialect: sqlite({ path }) });
    await expect(pubsub.publish("t", new Message("x"))).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
    await expect(pubsub.subscribe("t", { group: "g" })).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
    mkdirSync(dirname(path));
    await pubsub.publish("t", new Message("x"));
  });

  it("rejects with DATABASE_READONLY while the database may not be written to", async () => {
    const database = connect();
    const pubsub = open({ dialect: sqlite({ database }) });
    await pubsub.provision("t");
    database.exec("PRAGMA query_only = 1");
    await expect(pubsub.publish("t", new Message("x"))).rejects.toMatchObject({ code: "DATABASE_READONLY", outcomes: ["rejected"] });
    database.exec("PRAGMA query_only = 0");
    await pubsub.publish("t", new Message("x"));
  });

  it("makes a topic anew whose tables were dropped under it", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("x"));
    connect().exec("DROP TABLE watermill_t; DROP TABLE watermill_offsets_t");
    await pubsub.publish("t", new Message("y"));
    expect((await readSome(await pubsub.subscribe("t"), 1))[0]?.text()).toBe("y");
  });
});

describe("the faults of Watermill's adapter", () => {
  it("reads a backlog at full speed however rarely it looks for changes", async () => {
    const pubsub = open({ dialect: sqlite({ path: file.path, pollMs: 1000 }) });
    await pubsub.publish(
      "t",
      Array.from({ length: 5000 }, (_, index) => new Message(String(index))),
    );
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const began = performance.now();
    const found = await readSome(subscription, 5000);
    expect(performance.now() - began).toBeLessThan(3000); // 100 messages a look would take 50 s
    expect(found.map((message) => message.text())).toEqual(Array.from({ length: 5000 }, (_, index) => String(index)));
  });

  it("skips nothing when the reader takes longer than the lease to ask for the next message", async () => {
    const pubsub = open({ leaseMs: 200 });
    await pubsub.publish(
      "t",
      Array.from({ length: 3 }, (_, index) => new Message(String(index))),
    );
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const seen: string[] = [];
    for await (const message of subscription) {
      seen.push(message.text());
      message.ack();
      if (seen.length === 3) break;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect(seen).toEqual(["0", "1", "2"]);
  });

  it("notices that its lease was lost to another member, and changes nothing afterwards", async () => {
    const pubsub = open({ leaseMs: 300 });
    await pubsub.publish("t", [new Message("a"), new Message("b")]);
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const held = await takeOne(subscription);
    // What a second member does when the lease of the first is over.
    const other = connect();
    other.exec("UPDATE millrace_claims SET owner = 'another', epoch = epoch + 1, lease_until = 9999999999999");
    expect(await held.settled).toBe("lost");
    expect(held.signal.aborted).toBe(true);
    expect(held.ack()).toBe(false);
    await subscription.flush();
    expect(other.prepare("SELECT offset_acked FROM watermill_offsets_t").get()).toMatchObject({ offset_acked: 0 });
  });

  it("gives up a claim that was given out anew since, also under its own name", async () => {
    const pubsub = open({ leaseMs: 300 });
    await pubsub.publish("t", new Message("a"));
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const held = await takeOne(subscription);
    // As by a commit whose answer the member never got.
    const other = connect();
    other.exec("UPDATE millrace_claims SET epoch = epoch + 1");
    expect(held.ack()).toBe(true);
    await expect(subscription.flush()).rejects.toMatchObject({ code: "SETTLE_FAILED", positions: ["1"] });
    expect(other.prepare("SELECT offset_acked FROM watermill_offsets_t").get()).toMatchObject({ offset_acked: 0 });
    expect((await readSome(subscription, 1))[0]?.text()).toBe("a");
  });

  it("stays away from a group while a Watermill member holds its lock, and goes on where that one stopped", async () => {
    const pubsub = open();
    await pubsub.publish("t", [new Message("a"), new Message("b")]);
    await pubsub.provision("t", { group: "g" });
    const other = connect();
    other.exec("UPDATE watermill_offsets_t SET locked_until = unixepoch() + 60");
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const reading = readSome(subscription, 1);
    await until(() => subscription.status().state === "blocked", "health shows it");
    expect(subscription.status().detail).toMatch(/Watermill member/);
    other.exec("UPDATE watermill_offsets_t SET locked_until = 0, offset_acked = 1");
    expect((await reading)[0]?.text()).toBe("b");
    expect(subscription.status().state).toBe("running");
  });

  it("gives up what it holds when a Watermill member has taken the group over", async () => {
    const pubsub = open({ leaseMs: 400 });
    await pubsub.publish("t", [new Message("a"), new Message("b")]);
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const held = await takeOne(subscription);
    connect().exec("UPDATE watermill_offsets_t SET locked_until = 0, offset_acked = 1");
    expect(await held.settled).toBe("lost");
    expect((await readSome(subscription, 1))[0]?.text()).toBe("b");
  });

  it("reads at most maxGap messages past an unsettled one, and says which one holds it up", async () => {
    const pubsub = open({ maxGap: 50 });
    await pubsub.publish(
      "t",
      Array.from({ length: 200 }, (_, index) => new Message(String(index))),
    );
    const subscription = await pubsub.subscribe("t", { group: "g", maxInFlight: 10, orderBy: "none" });
    let stuck: Message & { ack(): boolean };
    let seen = 0;
    const reading = (async () => {
      for await (const message of subscription) {
        seen++;
        if (message.text() === "0") stuck = message;
        else message.ack();
        if (seen === 200) break;
      }
    })();
    await until(() => subscription.status().state === "blocked", "it is blocked");
    expect(subscription.status().detail).toMatch(/offset 1 /);
    expect(seen).toBeLessThanOrEqual(50);
    // biome-ignore lint/style/noNonNullAssertion: the first message was seen
    stuck!.ack();
    await reading;
    await subscription.flush();
    expect(connect().prepare("SELECT offset_acked FROM watermill_offsets_t").get()).toMatchObject({ offset_acked: 200 });
  });
});
