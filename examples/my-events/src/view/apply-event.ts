import type { DatabaseSync } from "node:sqlite";
import type { Change, DomainEvents, EventBooked, EventChange, LocationChange } from "../contracts/index.ts";
import { statement } from "../database/statement.ts";
import type { LogRecord, Projection } from "../event-log/index.ts";
import { VIEW_TABLES } from "./view-tables.ts";

/** Locations, events and bookings as the log tells them. Whatever order the records come in, the tables end the same. */
export const view: Projection = {
  tables: VIEW_TABLES,
  tableNames: ["locations", "events", "bookings", "taken"],
  apply: applyEvent,
};

function applyEvent(database: DatabaseSync, record: LogRecord): void {
  // What is in the log was validated when it was written.
  const event = record as { readonly [Name in keyof DomainEvents]: { readonly name: Name; readonly data: DomainEvents[Name] } }[keyof DomainEvents];
  switch (event.name) {
    case "location.created":
    case "location.updated":
      putLocation(database, event.data, locationData(event.data));
      break;
    case "location.removed":
      putLocation(database, event.data, null);
      break;
    case "event.created":
    case "event.updated":
      putEvent(database, event.data, event.data.locationId, eventData(event.data));
      break;
    case "event.removed":
      putEvent(database, event.data, null, null);
      break;
    case "event.booked":
      addBooking(database, event.data);
      break;
  }
}

function putLocation(database: DatabaseSync, { id, sequence, version }: Change, data: string | null): void {
  statement(
    database,
    `INSERT INTO locations (id, sequence, version, data) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET version = excluded.version, data = excluded.data WHERE excluded.version > version`,
  ).run(id, sequence, version, data);
}

function putEvent(database: DatabaseSync, { id, sequence, version }: Change, locationId: string | null, data: string | null): void {
  statement(
    database,
    `INSERT INTO events (id, sequence, version, location_id, data) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET version = excluded.version, location_id = excluded.location_id, data = excluded.data WHERE excluded.version > version`,
  ).run(id, sequence, version, locationId, data);
}

function addBooking(database: DatabaseSync, { id, eventId, sequence, seats, userId, occurredAt }: EventBooked): void {
  const { changes } = statement(
    database,
    "INSERT INTO bookings (id, event_id, sequence, seats, user_id, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
  ).run(id, eventId, sequence, seats, userId ?? null, occurredAt);
  if (changes === 0) return;
  statement(database, "INSERT INTO taken (event_id, seats) VALUES (?, ?) ON CONFLICT (event_id) DO UPDATE SET seats = seats + excluded.seats").run(
    eventId,
    seats,
  );
}

function locationData({ id, name, address, country, openTime, closeTime, halls }: LocationChange): string {
  return JSON.stringify({ id, name, address, country, openTime, closeTime, halls });
}

function eventData({ id, name, locationId, hall, startDate, endDate }: EventChange): string {
  return JSON.stringify({ id, name, locationId, hall, startDate, endDate });
}
