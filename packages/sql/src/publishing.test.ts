import { Message } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import type { SqliteDatabase } from "./sqlite/driver.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);
const connect = file.connect.bind(file);

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index)));

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
