import { Message, type ReceivedMessage, type Subscription } from "millrace";
import { DELAYED_FOR_KEY, DELAYED_UNTIL_KEY } from "millrace/adapter";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import type { SqliteDatabase } from "./sqlite/driver.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { latenessMeter } from "./testing/lateness-meter.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);
const connect = file.connect.bind(file);

afterEach(() => void vi.restoreAllMocks());

const count = (database: SqliteDatabase, table: string): number => (database.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
const texts = (messages: readonly ReceivedMessage[]): string[] => messages.map((message) => message.text());

/** What came, and how long after it was due. */
async function lateness(subscription: Subscription, wanted: number): Promise<number[]> {
  const late: number[] = [];
  for await (const message of subscription) {
    late.push(Date.now() - (message.dueAt as Date).getTime());
    message.ack();
    if (late.length === wanted) break;
  }
  return late;
}

describe("delayed messages", () => {
  it("enter the log when they are due, in the order of their times, and hold nobody up", async () => {
    const pubsub = open();
    const subscription = await pubsub.subscribe("t", { group: "g" });
    await pubsub.publish("t", [
      new Message("300", { delayMs: 300 }),
      new Message("100", { delayMs: 100 }),
      new Message("200", { deliverAt: new Date(Date.now() + 200) }),
      new Message("now"),
    ]);
    const early: string[] = [];
    const order: string[] = [];
    for await (const message of subscription) {
      if (message.dueAt !== undefined && Date.now() < message.dueAt.getTime()) early.push(message.text());
      order.push(message.text());
      message.ack();
      if (order.length === 4) break;
    }
    expect(order).toEqual(["now", "100", "200", "300"]);
    expect(early).toEqual([]);
  });

  it("of one moment enter in the order in which they were published", async () => {
    const pubsub = open();
    const deliverAt = new Date(Date.now() + 300);
    const subscription = await pubsub.subscribe("t", { group: "g" });
    for (let index = 0; index < 10; index++) await pubsub.publish("t", new Message(String(index), { key: "k", deliverAt }));
    expect(texts(await readSome(subscription, 10))).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });

  it("keep both of Watermill's keys, id, ordering key and other metadata on their way", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("x", { id: "m", key: "k", delayMs: 50, metadata: { a: "b" } }));
    expect(connect().prepare("SELECT uuid, topic, log_table FROM millrace_delayed").get()).toEqual({ uuid: "m", topic: "t", log_table: "watermill_t" });
    const [message] = await readSome(await pubsub.subscribe("t"), 1);
    expect(message).toMatchObject({ id: "m", key: "k" });
    expect(Object.fromEntries(message?.metadata ?? [])).toEqual({
      a: "b",
      [DELAYED_FOR_KEY]: "50ms",
      [DELAYED_UNTIL_KEY]: message?.dueAt?.toISOString(),
    });
  });

  it("enter once, let in by any process that has the database open, also after their publisher has gone", async () => {
    const publisher = open();
    await publisher.publish(
      "t",
      Array.from({ length: 20 }, (_, index) => new Message(String(index), { delayMs: 100 })),
    );
    await publisher.close();
    const others = [open(), open(), open()];
    for (const pubsub of others) await pubsub.publish("other", new Message("x"));
    const database = connect();
    await until(() => count(database, "watermill_t") >= 20, "all are in");
    expect(count(database, "millrace_delayed")).toBe(0);
    for (const pubsub of others) await pubsub.publish("t", new Message("marker"));
    expect(count(database, "watermill_t")).toBe(23);
  });

  it("by the thousand at one moment are all in the log within a second, and leave the event loop free", async () => {
    const pubsub = open();
    const database = connect();
    const deliverAt = new Date(Date.now() + 2_500);
    await pubsub.publish(
      "t",
      Array.from({ length: 10_000 }, (_, index) => new Message(String(index), { deliverAt })),
    );
    expect(Date.now()).toBeLessThan(deliverAt.getTime()); // or the test says nothing
    const worst = latenessMeter();
    await until(() => count(database, "millrace_delayed") === 0, "all are in");
    expect(worst()).toBeLessThan(50);
    const times = database.prepare("SELECT min(created_at) AS first, max(created_at) AS last, count(*) AS n FROM watermill_t").get() as Record<string, string>;
    expect(times.n).toBe(10_000);
    expect(Date.parse(times.first as string)).toBeGreaterThanOrEqual(deliverAt.getTime());
    expect(Date.parse(times.last as string)).toBeLessThan(deliverAt.getTime() + 1_000);
  });

  it("go straight into the log when their time is over, and are refused when it is no time", async () => {
    const pubsub = open();
    await pubsub.publish("t", [new Message("x", { metadata: { [DELAYED_UNTIL_KEY]: "2020-01-01T00:00:00Z" } }), new Message("y", { delayMs: 0 })]);
    expect(connect().prepare("SELECT count(*) AS n FROM watermill_t").get()).toEqual({ n: 2 });
    for (const text of ["soon", "2099-01-01", "4070908800"]) {
      await expect(pubsub.publish("t", new Message("x", { metadata: { [DELAYED_UNTIL_KEY]: text } }))).rejects.toMatchObject({ code: "INVALID_DELAY" });
    }
  });

  it("that Go wrote, in whole seconds and with another zone, are due when they say", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("x", { metadata: { [DELAYED_UNTIL_KEY]: "2099-01-01T00:00:00+02:00", [DELAYED_FOR_KEY]: "72h0m0s" } }));
    expect(connect().prepare("SELECT due_ms FROM millrace_delayed").get()).toEqual({ due_ms: Date.UTC(2098, 11, 31, 22) });
  });
});

describe("a delayed message", () => {
  it("published within a transaction enters when it is due after the commit, and never after a rollback", async () => {
    const pubsub = open();
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const database = connect();
    for (const end of ["ROLLBACK", "COMMIT"]) {
      database.exec("BEGIN IMMEDIATE");
      pubsub.within(database).publishSync("t", [new Message(end, { delayMs: 200 }), new Message(`${end} at once`)]);
      database.exec(end);
    }
    expect(texts(await readSome(subscription, 2))).toEqual(["COMMIT at once", "COMMIT"]);
    expect(count(database, "watermill_t")).toBe(2);
  });

  it("is not let in while the clock stands before its time, however long that takes, and is when it comes", async () => {
    let shiftMs = 0;
    const real = Date.now.bind(Date);
    vi.spyOn(Date, "now").mockImplementation(() => real() + shiftMs);
    const pubsub = open();
    const database = connect();
    await pubsub.publish("t", new Message("x", { delayMs: 150 }));
    shiftMs = -3_600_000; // set back by an hour
    await pubsub.publish("t", new Message("marker", { delayMs: 400 }));
    await until(() => count(database, "watermill_t") === 1, "the marker, which is due by the new clock, is in");
    expect(database.prepare("SELECT CAST(payload AS TEXT) AS text FROM watermill_t").get()).toEqual({ text: "marker" });
    shiftMs = 0;
    await until(() => count(database, "watermill_t") === 2, "the first one is in");
  });

  it("is on time also where the database is looked at seldom", async () => {
    const pubsub = open({ dialect: sqlite({ path: file.path, pollMs: 5_000 }) });
    const subscription = await pubsub.subscribe("t", { group: "g" });
    await pubsub.publish("t", new Message("warm"));
    await readSome(subscription, 1);
    await pubsub.publish("t", new Message("x", { delayMs: 300 }));
    const [late] = await lateness(subscription, 1);
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(1_000);
  });

  it("is let into the table of its publisher, also by a process that names tables in another way", async () => {
    const named = { dialect: () => sqlite({ path: file.path, tables: { messages: (topic) => `shop_${topic}`, offsets: (topic) => `shop_offsets_${topic}` } }) };
    const shop = open({ dialect: named.dialect() });
    await shop.publish("t", new Message("x", { delayMs: 100 }));
    await shop.close();
    const other = open();
    await other.publish("t", new Message("of another table"));
    const database = connect();
    await until(() => count(database, "shop_t") === 1, "it is in its own table");
    expect(count(database, "watermill_t")).toBe(1);
  });

  it("whose table was deleted meanwhile has it made again where that may be, and holds up no other where it may not", async () => {
    const strict = open({ dialect: sqlite({ path: file.path, provision: "verify" }) });
    const maker = open();
    for (const topic of ["gone", "t"]) await maker.provision(topic);
    await maker.close();
    await strict.publish("gone", new Message("lost?", { delayMs: 100 }));
    await strict.publish("t", new Message("x", { delayMs: 200 }));
    const database = connect();
    database.exec("DROP TABLE watermill_gone");
    const gone = (): boolean => database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'watermill_gone'").get() === undefined;
    await until(() => count(database, "watermill_t") === 1, "the other one is in");
    expect(gone()).toBe(true);
    expect(count(database, "millrace_delayed")).toBe(1);
    await open().publish("t", new Message("another process, which may make tables"));
    await until(() => !gone() && count(database, "watermill_gone") === 1, "it is in");
  });

  it("that an older version has put aside is let in by the topic's name", async () => {
    const first = open();
    await first.publish("t", new Message("x"));
    await first.close();
    const database = connect();
    database.exec("ALTER TABLE millrace_delayed DROP COLUMN log_table");
    database.exec("INSERT INTO millrace_delayed (due_ms, topic, uuid, payload, metadata) VALUES (1, 't', 'old', x'78', x'7b7d')");
    const [, old] = await readSome(await open().subscribe("t"), 2);
    expect(old?.id).toBe("old");
  });

  it("costs nothing while it waits: nothing is written", async () => {
    const pubsub = open();
    const subscription = await pubsub.subscribe("t", { group: "g" });
    await pubsub.publish("t", [new Message("now"), new Message("later", { delayMs: 3_600_000 })]);
    await readSome(subscription, 1);
    await subscription.flush();
    const other = connect();
    const version = other.prepare("PRAGMA data_version").get();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(other.prepare("PRAGMA data_version").get()).toEqual(version);
  });
});
