import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import { asOf, EventLog, LOG_TABLES, type LogRecord, type Projection, rebuild } from "./index.ts";

/** The small log of the seed: two users are created, one is deleted, the other is renamed. */
const users: Projection = {
  tables: "CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT",
  tableNames: ["users"],
  apply(database, record: LogRecord) {
    const { id, name } = record.data as { id: string; name?: string };
    if (record.name === "user.deleted") database.prepare("DELETE FROM users WHERE id = ?").run(id);
    else database.prepare("INSERT INTO users VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name").run(id, name ?? "");
  },
};

const at = (time: string): number => Date.parse(`2026-11-20T${time}:00Z`);
const names = (database: DatabaseSync): unknown[] =>
  database
    .prepare("SELECT name FROM users ORDER BY id")
    .all()
    .map((row) => row.name);

describe("EventLog", () => {
  let database: DatabaseSync;
  let log: EventLog;

  beforeEach(() => {
    database = new DatabaseSync(":memory:");
    database.exec(`${LOG_TABLES}; ${users.tables}`);
    log = new EventLog(database);
    for (const entry of [
      { id: "m-1", name: "user.created", occurredAtMs: at("08:00"), data: { id: "1", name: "Alice" } },
      { id: "m-2", name: "user.created", occurredAtMs: at("09:00"), data: { id: "2", name: "Bob" } },
      { id: "m-3", name: "user.deleted", occurredAtMs: at("13:00"), data: { id: "1" } },
      { id: "m-4", name: "user.renamed", occurredAtMs: at("15:00"), data: { id: "2", name: "Cedric" } },
    ]) {
      const record = log.append(entry);
      if (record !== undefined) users.apply(database, record);
    }
  });

  it("gives the state at the end of the day: one user, renamed", () => {
    expect(names(database)).toEqual(["Cedric"]);
  });

  it.each([
    ["07:59", []],
    ["08:00", ["Alice"]],
    ["10:00", ["Alice", "Bob"]],
    ["12:59", ["Alice", "Bob"]],
    ["13:00", ["Bob"]],
    ["23:00", ["Cedric"]],
  ])("gives the state as of %s, inclusive", async (time, expected) => {
    const moment = await asOf(database, users, at(time));
    expect(names(moment)).toEqual(expected);
    moment.close();
  });

  it("counts by the time of occurrence, also when it hears late of something", async () => {
    log.append({ id: "m-5", name: "user.created", occurredAtMs: at("08:30"), data: { id: "3", name: "Dora" } });
    const moment = await asOf(database, users, at("08:30"));
    expect(names(moment)).toEqual(["Alice", "Dora"]);
    moment.close();
  });

  it("rebuilds the same state, and says so", async () => {
    expect(await rebuild(database, users)).toEqual({ records: 4, same: true });
    expect(names(database)).toEqual(["Cedric"]);
  });

  it("repairs a state that somebody tampered with, and says so", async () => {
    database.exec("UPDATE users SET name = 'Mallory'");
    expect(await rebuild(database, users)).toEqual({ records: 4, same: false });
    expect(names(database)).toEqual(["Cedric"]);
  });

  it("ignores an id it knows", () => {
    expect(log.append({ id: "m-1", name: "user.created", occurredAtMs: 0, data: { id: "9", name: "Twice" } })).toBeUndefined();
    expect(log.end()).toBe(4);
  });

  it("refuses to change or to forget what is written", () => {
    expect(() => database.exec("UPDATE event_log SET name = 'x'")).toThrow("append-only");
    expect(() => database.exec("DELETE FROM event_log")).toThrow("append-only");
  });

  it("rebuilds a log longer than a page", async () => {
    for (let n = 5; n <= 2_500; n++) log.append({ id: `m-${n}`, name: "user.renamed", occurredAtMs: at("16:00"), data: { id: "2", name: `name ${n}` } });
    expect((await rebuild(database, users)).records).toBe(2_500);
    expect(names(database)).toEqual(["name 2500"]);
    const moment = await asOf(database, users, at("16:00"));
    expect(names(moment)).toEqual(["name 2500"]);
    moment.close();
  });
});
