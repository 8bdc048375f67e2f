import { Message } from "millrace";
import { describe, expect, it, vi } from "vitest";
import { TestDatabase } from "../testing/test-database.ts";
import { Connection } from "./connection.ts";
import { sqlite } from "./sqlite.ts";

const file = new TestDatabase();

describe("a connection of our own", () => {
  it.each([
    ["off", 0],
    ["normal", 1],
    ["full", 2],
    ["extra", 3],
  ] as const)("commits with synchronous=%s, to a write-ahead log, and never waits for a lock inside SQLite", (synchronous, value) => {
    const connection = Connection.open(file.path, { synchronous });
    const ask = (pragma: string): unknown => (connection.statement(`PRAGMA ${pragma}`).get() as [unknown])[0];
    expect([ask("synchronous"), ask("journal_mode"), ask("busy_timeout")]).toEqual([value, "wal", 0]);
    connection.close();
  });

  it.each([
    [undefined, "full"],
    ["normal", "normal"],
  ] as const)("is opened with the durability that was asked for: %s is %s", async (asked, synchronous) => {
    const open = vi.spyOn(Connection, "open");
    await file.open({ dialect: sqlite({ path: file.path, synchronous: asked }) }).publish("t", new Message("x"));
    expect(open.mock.calls.map(([, rules]) => rules.synchronous)).toEqual([synchronous]);
    open.mockRestore();
  });
});
