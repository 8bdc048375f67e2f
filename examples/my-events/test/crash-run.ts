import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { type Answer, aLocation, anEvent, hall } from "../src/testing/api.ts";
import { freePorts, run } from "../src/testing/processes.ts";
import { Town } from "../src/testing/town.ts";
import { until } from "../src/testing/until.ts";

const SEATS = 400;
const BOOKINGS = 1_000;
const CLIENTS = 50;
/** Both services are killed when so many bookings are answered. */
const KILLED_AT = [80, 170, 260, 350, 600];

export interface CrashRun {
  /** The broker between the services. Default: that of `npm start`, a file. */
  readonly brokerUrl?: string | undefined;
  /** Called when both services have been killed for the third time and are coming back. */
  readonly halfway?: (() => Promise<void>) | undefined;
  /** How far behind a view may be after all that, in milliseconds. Default 10,000. */
  readonly behindMs?: number | undefined;
}

/**
 * 1,000 bookings of one seat by 50 clients for 400 seats, with both services killed five times on the way: no seat is lost or booked
 * twice, both services agree, and each is what its own log says.
 */
export async function crashRun({ brokerUrl, halfway, behindMs = 10_000 }: CrashRun = {}): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "my-events-crash-"));
  const [events, bookings] = await freePorts(2);
  const broker = brokerUrl === undefined ? {} : { BROKER_URL: brokerUrl };
  const town = new Town({ DATA_DIR: folder, EVENTS_PORT: String(events), BOOKINGS_PORT: String(bookings), ...broker });
  try {
    town.start();
    const location = (await town.insist("events", "POST", "/locations", aLocation({ halls: [hall(SEATS)] }), randomUUID())).body.id as string;
    const event = (await town.insist("events", "POST", "/events", anEvent(location), randomUUID())).body.id as string;
    await until(
      () => town.get("bookings", `/events/${event}`),
      ({ seatsLeft }) => seatsLeft === SEATS,
      behindMs,
    );
    const booked = await bookAll(town, location, event, halfway);
    await agree(town, event, booked, behindMs);
    expect(await town.end("SIGTERM")).toEqual([0, 0]);
    for (const name of ["events", "bookings"]) {
      const rebuilding = run(["rebuild", name], town.env);
      expect(await rebuilding.ended).toBe(0);
      expect(rebuilding.output()).toContain("the state is what it was");
    }
  } finally {
    await town.end("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Answers with the ids of the bookings that were made. */
async function bookAll(town: Town, location: string, event: string, halfway: CrashRun["halfway"]): Promise<readonly string[]> {
  const answers: Answer[] = [];
  const keys = Array.from({ length: BOOKINGS }, () => randomUUID());
  const kills: Promise<unknown>[] = [];
  let killed = 0;
  const client = async (): Promise<void> => {
    for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
      answers.push(await town.insist("bookings", "POST", `/events/${event}/bookings`, { seats: 1, userId: "crowd" }, key));
      if (answers.length >= (KILLED_AT[killed] ?? Number.POSITIVE_INFINITY)) kills.push(killBoth(++killed));
    }
  };
  const killBoth = async (round: number): Promise<void> => {
    expect(await town.end("SIGKILL")).toEqual(["SIGKILL", "SIGKILL"]);
    town.start();
    if (round === 3) await halfway?.();
    // EventService changes things meanwhile, too.
    const renamed = await town.insist("events", "PUT", `/events/${event}`, anEvent(location, { name: `Opera, take ${round}` }), randomUUID());
    expect(renamed.status).toBe(200);
    const another = await town.insist("events", "POST", "/locations", aLocation({ name: `Mill ${round}` }), `location-${round}`);
    expect(another.status).toBe(201);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  await Promise.all(kills);
  expect(killed).toBe(KILLED_AT.length);

  const booked = answers.filter(({ status }) => status === 201).map(({ body }) => body.id as string);
  expect(new Set(booked).size).toBe(SEATS);
  expect(booked).toHaveLength(SEATS);
  expect(answers.filter(({ status, body }) => status === 409 && body.code === "sold_out")).toHaveLength(BOOKINGS - SEATS);
  return booked;
}

/** Both sides come to agree, on everything. */
async function agree(town: Town, event: string, booked: readonly string[], behindMs: number): Promise<void> {
  const bookings = await town.get("bookings", `/events/${event}/bookings`);
  expect(new Set(bookings.map(({ id }: { id: string }) => id))).toEqual(new Set(booked));
  await until(
    () => town.get("events", `/events/${event}/bookings`),
    (theirs) => JSON.stringify(theirs) === JSON.stringify(bookings),
    behindMs,
  );
  const locations = await town.get("events", "/locations");
  const events = await town.get("events", "/events");
  expect(locations).toHaveLength(1 + KILLED_AT.length);
  await until(
    () => Promise.all([town.get("bookings", "/locations"), town.get("bookings", "/events")]),
    (theirs) => JSON.stringify(theirs) === JSON.stringify([locations, events.map((one: object) => ({ ...one, seatsLeft: 0 }))]),
    behindMs,
  );
}
