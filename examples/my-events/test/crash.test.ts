import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Answer, aLocation, anEvent, call, hall } from "../src/testing/api.ts";
import { freePorts, type Running, run } from "../src/testing/processes.ts";
import { until } from "../src/testing/until.ts";

const SEATS = 400;
const BOOKINGS = 1_000;
const CLIENTS = 50;
/** Both services are killed when so many bookings are answered. */
const KILLED_AT = [80, 170, 260, 350, 600];

/** How far behind a view may be after a restart. */
const BEHIND_MS = 10_000;

/** The broker to try it on; the default is the one of `npm start`, a file of its own. */
const BROKER_URL = process.env.CRASH_TEST_BROKER_URL;

describe("MyEvents under SIGKILL", () => {
  let folder: string;
  let env: Record<string, string>;
  const running = new Map<string, Running>();

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "my-events-crash-"));
    const [events, bookings] = await freePorts(2);
    env = { DATA_DIR: folder, EVENTS_PORT: String(events), BOOKINGS_PORT: String(bookings), ...(BROKER_URL === undefined ? {} : { BROKER_URL }) };
  });
  afterEach(async () => {
    await Promise.all([...running.values()].map((one) => one.end("SIGKILL")));
    running.clear();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (name: "events" | "bookings"): void => void running.set(name, run([name], env));
  const url = (name: "events" | "bookings"): string => `http://127.0.0.1:${env[name === "events" ? "EVENTS_PORT" : "BOOKINGS_PORT"]}`;
  const get = async (name: "events" | "bookings", path: string) => (await call(url(name), "GET", path)).body;

  /** As a careful client does it: no answer means asking again, with the same key. */
  async function insist(service: "events" | "bookings", method: string, path: string, body: unknown, key: string): Promise<Answer> {
    for (;;) {
      try {
        const answer = await call(url(service), method, path, body, { "idempotency-key": key });
        if (answer.status !== 503) return answer;
      } catch {
        // The service is dead or died before it answered.
      }
      await sleep(20);
    }
  }

  it("books 400 seats once each for 1,000 requests, and both services equal their rebuild", { timeout: 240_000 }, async () => {
    start("events");
    start("bookings");
    const location = (await insist("events", "POST", "/locations", aLocation({ halls: [hall(SEATS)] }), randomUUID())).body.id as string;
    const event = (await insist("events", "POST", "/events", anEvent(location), randomUUID())).body.id as string;
    await until(
      () => get("bookings", `/events/${event}`),
      ({ seatsLeft }) => seatsLeft === SEATS,
    );

    const answers: Answer[] = [];
    const keys = Array.from({ length: BOOKINGS }, () => randomUUID());
    const kills: Promise<unknown>[] = [];
    let killed = 0;
    const client = async (): Promise<void> => {
      for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
        answers.push(await insist("bookings", "POST", `/events/${event}/bookings`, { seats: 1, userId: "crowd" }, key));
        if (answers.length >= (KILLED_AT[killed] ?? Number.POSITIVE_INFINITY)) {
          killed++;
          kills.push(killBoth(killed));
        }
      }
    };
    const killBoth = async (round: number): Promise<void> => {
      const signals = await Promise.all((["events", "bookings"] as const).map((name) => running.get(name)?.end("SIGKILL")));
      expect(signals).toEqual(["SIGKILL", "SIGKILL"]);
      start("events");
      start("bookings");
      // EventService changes things meanwhile, too.
      const renamed = await insist("events", "PUT", `/events/${event}`, anEvent(location, { name: `Opera, take ${round}` }), randomUUID());
      expect(renamed.status).toBe(200);
      const another = await insist("events", "POST", "/locations", aLocation({ name: `Mill ${round}` }), `location-${round}`);
      expect(another.status).toBe(201);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    await Promise.all(kills);
    expect(killed).toBe(5);

    const booked = answers.filter(({ status }) => status === 201);
    expect(new Set(booked.map(({ body }) => body.id)).size).toBe(SEATS);
    expect(booked).toHaveLength(SEATS);
    expect(answers.filter(({ status, body }) => status === 409 && body.code === "sold_out")).toHaveLength(BOOKINGS - SEATS);

    // Both sides come to agree, on everything.
    const bookings = await get("bookings", `/events/${event}/bookings`);
    expect(new Set(bookings.map(({ id }: { id: string }) => id))).toEqual(new Set(booked.map(({ body }) => body.id)));
    await until(
      () => get("events", `/events/${event}/bookings`),
      (theirs) => JSON.stringify(theirs) === JSON.stringify(bookings),
      BEHIND_MS,
    );
    const locations = await get("events", "/locations");
    const events = await get("events", "/events");
    expect(locations).toHaveLength(6);
    await until(
      () => Promise.all([get("bookings", "/locations"), get("bookings", "/events")]),
      (theirs) => JSON.stringify(theirs) === JSON.stringify([locations, events.map((one: object) => ({ ...one, seatsLeft: 0 }))]),
      BEHIND_MS,
    );

    // And each is what its own log says.
    await Promise.all([...running.values()].map(async (one) => expect(await one.end("SIGTERM")).toBe(0)));
    for (const name of ["events", "bookings"] as const) {
      const rebuilding = run(["rebuild", name], env);
      expect(await rebuilding.ended).toBe(0);
      expect(rebuilding.output()).toContain("the state is what it was");
    }
  });
});
