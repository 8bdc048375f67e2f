import { existsSync, rmSync } from "node:fs";
import { Message, OptionError } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { sqlDelivery } from "./delivery.ts";
import { SqlPubSub } from "./pub-sub.ts";
import type { SqliteDatabase } from "./sqlite/driver.ts";
import { sqlite } from "./sqlite/sqlite.ts";
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
    expect(() => open({ leaseMs: Number.MAX_SAFE_INTEGER })).toThrow(/leaseMs/);
    expect(() => sqlite({})).toThrow(/either path or database/);
  });

  it("refuses a position that is no offset", async () => {
    await expect(open().subscribe("t", { group: "g", from: { position: "x" } })).rejects.toBeInstanceOf(OptionError);
  });
});

describe("publishing", () => {
  it("puts the calls under way at once into one commit", async () => {
    const database = connect();
    let commits = 0;
    const counting: SqliteDatabase = {
      exec: (sql) => database.exec(sql),
      close: () => {},
      prepare: (sql) => {
        const statement = database.prepare(sql);
        if (sql !== "COMMIT") return statement;
        return {
          get: () => undefined,
          all: () => [],
          run: () => {
            commits++;
            return statement.run();
          },
        };
      },
      get isTransaction() {
        return database.isTransaction === true;
      },
    };
    const pubsub = open({ dialect: sqlite({ database: counting }) });
    await pubsub.provision("t");
    const before = commits;
    await Promise.all(numbered(100).map((message) => pubsub.publish("t", message)));
    expect(commits - before).toBe(1);
  });

  it("writes calls of every kind in their order: single messages and lists, with metadata and without, of two topics, due at once and later", async () => {
    const pubsub = open();
    const texts: string[] = [];
    let noted = 0;
    const message = (options?: ConstructorParameters<typeof Message>[1]): Message => {
      texts.push(`m${texts.length}`);
      if (options !== undefined) noted++;
      return new Message(texts.at(-1) as string, options);
    };
    const other: Promise<void>[] = [];
    const calls = Array.from({ length: 150 }, (_, index) => {
      if (index % 31 === 7) other.push(pubsub.publish("other", new Message("o")), pubsub.publish("t", new Message("late", { delayMs: 60_000 })));
      if (index % 17 === 5) return pubsub.publish("t", [message(), message({ metadata: { a: "1" } }), message()]);
      return pubsub.publish("t", message(index % 5 === 0 ? { metadata: { b: String(index) } } : undefined));
    });
    await Promise.all([...calls, ...other]);
    const rows = connect().prepare("SELECT CAST(payload AS TEXT) AS text, CAST(metadata AS TEXT) AS metadata FROM watermill_t ORDER BY offset").all() as {
      readonly text: string;
      readonly metadata: string;
    }[];
    expect(rows.map(({ text }) => text)).toEqual(texts);
    expect(rows.filter(({ metadata }) => metadata !== "{}")).toHaveLength(noted);
  });

  it("writes a long call in several short transactions, in order", async () => {
    const pubsub = open();
    const count = 30_000;
    await pubsub.publish("t", numbered(count));
    const rows = connect().prepare("SELECT count(*) AS n, max(offset) AS last FROM watermill_t").get();
    expect(rows).toMatchObject({ n: count, last: count });
  });

  it("tells by position how far a call came that was aborted between its transactions", async () => {
    const pubsub = open();
    await pubsub.provision("t");
    const controller = new AbortController();
    const publish = pubsub.publish("t", numbered(50_000), { signal: controller.signal });
    const database = connect();
    await until(() => (database.prepare("SELECT count(*) AS n FROM watermill_t").get() as { n: number }).n > 0, "the first part is there");
    controller.abort();
    const error = await publish.then(
      () => undefined,
      (failure: { code: string; outcomes: string[] }) => failure,
    );
    expect(error?.code).toBe("PUBLISH_ABORTED");
    const confirmed = error?.outcomes.filter((outcome) => outcome === "confirmed").length ?? 0;
    expect(error?.outcomes.lastIndexOf("confirmed")).toBe(confirmed - 1);
    expect(error?.outcomes.at(-1)).toBe("rejected");
    expect(database.prepare("SELECT count(*) AS n FROM watermill_t").get()).toMatchObject({ n: confirmed });
  });

  it("makes calls beyond the bound wait, and refuses them with BUFFER_FULL beyond sixteen times as many", async () => {
    const pubsub = open({ maxWaiting: 10 });
    const calls = Array.from({ length: 16 }, () => pubsub.publish("t", numbered(10)));
    await expect(pubsub.publish("t", new Message("x"))).rejects.toMatchObject({ code: "BUFFER_FULL", retryable: true, outcomes: ["rejected"] });
    await Promise.all(calls);
    await pubsub.publish("t", new Message("x"));
    expect(connect().prepare("SELECT count(*) AS n FROM watermill_t").get()).toMatchObject({ n: 161 });
  });

  it("is not opened again by whoever wakes or purges it after it was closed", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("x"));
    await pubsub.close();
    rmSync(file.path);
    pubsub.wake();
    await expect(pubsub.purge("t", { maxMessages: 1 })).rejects.toMatchObject({ code: "CLOSED" });
    expect(existsSync(file.path)).toBe(false);
  });

  it("closes the database with the last user of a shared dialect only", async () => {
    const dialect = sqlite({ path: file.path });
    const one = open({ dialect });
    const two = open({ dialect });
    await one.publish("t", new Message("x"));
    await one.close();
    await two.publish("t", new Message("y"));
    expect(await readSome(await two.subscribe("t"), 2)).toHaveLength(2);
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

  it("leaves at once to another member what a closing one had in hand, however long its lease", async () => {
    const long = { leaseMs: 60_000 };
    const pubsub = open(long);
    await pubsub.publish("t", [new Message("1"), new Message("2")]);
    const one = await pubsub.subscribe("t", { group: "g" });
    await takeOne(one);
    await one[Symbol.asyncDispose]();
    const seen = await readSome(await open(long).subscribe("t", { group: "g" }), 2);
    expect(seen.map((message) => message.text())).toEqual(["1", "2"]);
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
