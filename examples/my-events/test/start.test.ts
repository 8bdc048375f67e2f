import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aLocation, anEvent, call } from "../src/testing/api.ts";
import { freePorts, type Running, run } from "../src/testing/processes.ts";
import { until } from "../src/testing/until.ts";

/** How far behind a view may be. */
const WHILE_ALL_RUN_MS = 2_000;
const AFTER_RESTART_MS = 10_000;

describe("npm start", { timeout: 60_000 }, () => {
  let folder: string;
  let env: Record<string, string>;
  let urls: { events: string; bookings: string; page: string };
  let started: Running[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "my-events-start-"));
    const [events, bookings, page] = await freePorts(3);
    env = { DATA_DIR: folder, EVENTS_PORT: String(events), BOOKINGS_PORT: String(bookings), PAGE_PORT: String(page) };
    urls = { events: `http://127.0.0.1:${events}`, bookings: `http://127.0.0.1:${bookings}`, page: `http://127.0.0.1:${page}` };
    started = [];
  });
  afterEach(async () => {
    await Promise.all(started.map((one) => one.end("SIGTERM")));
    rmSync(folder, { recursive: true, force: true });
  });

  const my = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Running => {
    const running = run(args, { ...env, ...more });
    started.push(running);
    return running;
  };
  const post = async (url: string, body: unknown): Promise<string> => (await call(url, "POST", "", body)).body.id;
  const get = async (url: string) => (await call(url, "GET", "")).body;

  /** A location, an event and a booking, each seen in the other service. */
  async function tryIt(withinMs: number): Promise<string> {
    const location = await post(`${urls.events}/locations`, aLocation());
    const event = await post(`${urls.events}/events`, anEvent(location));
    await until(
      () => get(`${urls.bookings}/events/${event}`),
      ({ seatsLeft }) => seatsLeft === 150,
      withinMs,
    );
    const booking = await post(`${urls.bookings}/events/${event}/bookings`, { seats: 2 });
    await until(
      () => get(`${urls.events}/events/${event}/bookings`),
      (bookings) => bookings[0]?.id === booking,
      withinMs,
    );
    return event;
  }

  it("runs everything, shows each event as it flows, restarts what dies, and stops cleanly at Ctrl-C", async () => {
    const all = my(["start"]);
    await all.printed("Ctrl-C stops everything");
    for (const url of Object.values(urls)) expect(all.output()).toContain(url.replace("127.0.0.1", "localhost"));
    await tryIt(WHILE_ALL_RUN_MS);
    for (const line of [
      "events   | told  location.created",
      "bookings | heard location.created",
      "bookings | told  event.booked",
      "events   | heard event.booked",
    ]) {
      await all.printed(line);
    }

    const onThePage = [
      '"topic":"event.booked"',
      '"name":"bookings.location.created"',
      '"name":"events.event.booked"',
      '"perSecond"',
      "event: message",
      "Old Mill",
    ];
    await until(
      () => beginningOf(`${urls.page}/stream`),
      (text) => onThePage.every((part) => text.includes(part)),
    );

    for (const name of ["events", "bookings", "page"] as const) {
      const { status, service, pid } = await get(`${urls[name]}/health`);
      expect([status, service]).toEqual(["ok", name]);
      process.kill(pid, "SIGKILL");
      await until(
        () => get(`${urls[name]}/health`),
        (health) => health.pid !== pid && health.status === "ok",
      );
    }
    await tryIt(AFTER_RESTART_MS);

    expect(await all.end("SIGINT")).toBe(0);
    for (const url of Object.values(urls)) await expect(fetch(url)).rejects.toThrow();
  });

  it("runs everything in one process with memory:, and loses nothing between runs", async () => {
    const first = my(["start"], { BROKER_URL: "memory:" });
    await first.printed("Ctrl-C stops everything");
    const event = await tryIt(AFTER_RESTART_MS);
    const pids = await Promise.all(Object.values(urls).map(async (url) => (await get(`${url}/health`)).pid));
    expect(new Set(pids).size).toBe(1);
    process.kill(pids[0], "SIGKILL");
    await until(
      () => get(`${urls.bookings}/events/${event}`),
      ({ seatsLeft }) => seatsLeft === 148,
    );
    await tryIt(AFTER_RESTART_MS);
    expect(await first.end("SIGINT")).toBe(0);
    const rebuilding = my(["rebuild", "bookings"]);
    expect(await rebuilding.ended).toBe(0);
    expect(rebuilding.output()).toContain("the state is what it was");
  });

  it("does not outlive a supervisor that was killed", async () => {
    const all = my(["start"]);
    await all.printed("Ctrl-C stops everything");
    all.child.kill("SIGKILL");
    for (const url of Object.values(urls)) {
      await until(
        () =>
          fetch(`${url}/health`).then(
            () => "answers",
            () => "gone",
          ),
        (state) => state === "gone",
      );
    }
  });

  it("never books more than there is, with two BookingServices on one database, one of them killed", async () => {
    const [port] = await freePorts(1);
    my(["events"]);
    const first = my(["bookings"]);
    my(["bookings"], { BOOKINGS_PORT: String(port) });
    const second = `http://127.0.0.1:${port}`;
    for (const url of [urls.events, urls.bookings, second]) {
      await until(
        () => get(`${url}/health`),
        ({ status }) => status === "ok",
      );
    }
    const event = await tryIt(AFTER_RESTART_MS); // takes 2 of 150
    const book = (url: string): Promise<number> =>
      call(url, "POST", `/events/${event}/bookings`, { seats: 5 }).then(
        ({ status }) => status,
        () => 0,
      );
    const both = await Promise.all(Array.from({ length: 20 }, (_, n) => book(n % 2 === 0 ? urls.bookings : second)));
    expect(both.every((status) => status === 201)).toBe(true);
    await first.end("SIGKILL");
    const one = await Promise.all(Array.from({ length: 20 }, () => book(second)));
    expect(one.filter((status) => status === 201)).toHaveLength(9);
    expect(one.filter((status) => status === 409)).toHaveLength(11);
    await until(
      () => get(`${urls.events}/events/${event}/bookings`),
      (bookings) => bookings.length === 30,
      AFTER_RESTART_MS,
    );
  });

  it("answers bookings while EventService is down, and EventService catches up", async () => {
    const events = my(["events"]);
    my(["bookings"]);
    for (const url of [urls.events, urls.bookings]) {
      await until(
        () => get(`${url}/health`),
        ({ status }) => status === "ok",
      );
    }
    const event = await tryIt(AFTER_RESTART_MS);
    await events.end("SIGKILL");
    const booking = await call(urls.bookings, "POST", `/events/${event}/bookings`, { seats: 1 });
    expect(booking.status).toBe(201);
    my(["events"]);
    await until(
      () => get(`${urls.events}/events/${event}/bookings`),
      (bookings) => bookings[1]?.id === booking.body.id,
    );
  });

  it.each(["start", "events"])("refuses an unknown broker in one sentence, without its password: %s", async (command) => {
    const refused = my([command], { BROKER_URL: "pigeon://guest:secret@roof" });
    expect(await refused.ended).toBe(78);
    expect(refused.output().trim()).toBe('BROKER_URL: "pigeon:" is not a broker this application knows; it knows memory:, amqp:, amqps:, kafka:, sqlite:');
  });

  it("has nothing to rebuild where nothing has run", async () => {
    const refused = my(["rebuild", "events"]);
    expect(await refused.ended).toBe(1);
    expect(refused.output()).toContain("there is no database");
  });

  it("says which port is in use, and ends", async () => {
    my(["events"]);
    await until(
      () => get(`${urls.events}/health`),
      ({ service }) => service === "events",
    );
    const second = my(["start"]);
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`port ${env.EVENTS_PORT} of 127.0.0.1 is in use`);
  });

  it("starts nothing alone on memory:", async () => {
    const alone = my(["events"], { BROKER_URL: "memory:" });
    expect(await alone.ended).toBe(78);
    expect(alone.output()).toContain("nothing can be started alone");
  });

  it("says that a database file is corrupt", async () => {
    writeFileSync(join(folder, "events.db"), "this is no database, whatever its name says".repeat(100));
    const refused = my(["events"]);
    expect(await refused.ended).not.toBe(0);
    expect(refused.output()).toContain("events.db: file is not a database");
    expect(refused.output().trim()).not.toContain("\n");
  });

  it("shows usage for what it does not know", async () => {
    const unknown = my(["dance"]);
    expect(await unknown.ended).toBe(64);
    expect(unknown.output()).toContain('does not know "dance"');
    const option = my(["events", "--colour"]);
    expect(await option.ended).toBe(78);
    expect(option.output()).toContain("--colour");
    const help = my(["--help"]);
    expect(await help.ended).toBe(0);
    expect(help.output()).toContain("rebuild events | bookings");
  });

  it("rebuilds a state that was damaged", async () => {
    const events = my(["events"]);
    await until(
      () => get(`${urls.events}/health`),
      ({ service }) => service === "events",
    );
    const location = await post(`${urls.events}/locations`, aLocation());
    await events.end("SIGTERM");
    const database = new DatabaseSync(join(folder, "events.db"));
    database.exec("DELETE FROM locations");
    database.close();
    const rebuilding = my(["rebuild", "events"]);
    expect(await rebuilding.ended).toBe(0);
    expect(rebuilding.output()).toContain("rebuilt events from 1 records of its log: the state was different before");
    my(["events"]);
    await until(
      () => get(`${urls.events}/locations`),
      (locations) => locations[0]?.id === location,
    );
    const beside = my(["rebuild", "events"]);
    expect(await beside.ended).toBe(0);
    expect(beside.output()).toContain("the state is what it was");
    await post(`${urls.events}/events`, anEvent(location));
    expect(await get(`${urls.events}/events`)).toHaveLength(1);
  });
});

/** What a stream without end begins with. */
async function beginningOf(url: string): Promise<string> {
  const response = await fetch(url);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}
