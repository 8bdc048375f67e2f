import { Message, type PublishError } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { openDatabase, type SqliteDatabase } from "./sqlite/driver.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase({ broken: true });
const open = file.open.bind(file);

function connect(): SqliteDatabase {
  const database = openDatabase(file.path);
  file.onEnd(() => database.close());
  return database;
}

describe("a full disk", () => {
  it("rejects with DATABASE_FULL, loses nothing that was confirmed, and works again when there is space", async () => {
    const database = openDatabase(file.path);
    file.onEnd(() => database.close());
    database.exec("PRAGMA journal_mode = WAL; PRAGMA max_page_count = 60");
    const pubsub = open({ dialect: sqlite({ database }) });
    const subscription = await pubsub.subscribe("t", { group: "g" });
    let confirmed = 0;
    let failure: PublishError | undefined;
    while (failure === undefined) {
      await pubsub.publish("t", [new Message(new Uint8Array(8000)), new Message(new Uint8Array(8000))]).then(
        () => (confirmed += 2),
        (error: PublishError) => {
          failure = error;
        },
      );
    }
    expect(failure).toMatchObject({ code: "DATABASE_FULL", retryable: true, outcomes: ["rejected", "rejected"] });
    expect(await readSome(subscription, confirmed)).toHaveLength(confirmed);
    database.exec("PRAGMA max_page_count = 10000");
    await pubsub.publish("t", new Message("after", { id: "after" }));
    expect((await readSome(subscription, 1))[0]?.id).toBe("after");
    await subscription.flush();
  });

  it("says that SQLite has ended the caller's own transaction, where it has", () => {
    const database = connect();
    database.exec("PRAGMA journal_mode = WAL; PRAGMA max_page_count = 60");
    database.exec("CREATE TABLE orders (id TEXT)");
    const within = open().within(database);
    database.exec("BEGIN; INSERT INTO orders VALUES ('o-1')");
    const fill = (): void => {
      for (;;) within.publishSync("t", new Message(new Uint8Array(8000)));
    };
    expect(fill).toThrow(expect.objectContaining({ code: "DATABASE_FULL", message: expect.stringMatching(/ended your transaction/), outcomes: ["rejected"] }));
    expect(database.isTransaction).toBe(false);
    expect(database.prepare("SELECT count(*) AS n FROM orders").get()).toMatchObject({ n: 0 });
  });

  it("keeps the verdicts of a subscription while nothing can be written, shows it, and makes them durable afterwards", async () => {
    const database = openDatabase(file.path);
    file.onEnd(() => database.close());
    database.exec("PRAGMA journal_mode = WAL");
    const pubsub = open({ dialect: sqlite({ database }) });
    await pubsub.publish("t", [new Message("1"), new Message("2")]);
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const first = await takeOne(subscription);
    // Refuses every write to the position, as a full disk does.
    database.exec("CREATE TEMP TRIGGER full BEFORE UPDATE ON watermill_offsets_t BEGIN SELECT RAISE(ABORT, 'no space'); END");
    expect(first.ack()).toBe(true);
    await expect(subscription.flush()).rejects.toMatchObject({ code: "SETTLE_FAILED", positions: ["1"] });
    expect(subscription.status().lastError).toBeDefined();
    database.exec("DROP TRIGGER full");
    await subscription.flush();
    expect(database.prepare("SELECT offset_acked FROM watermill_offsets_t").get()).toMatchObject({ offset_acked: 1 });
    expect((await readSome(subscription, 1))[0]?.text()).toBe("2");
  });
});
