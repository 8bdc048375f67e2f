import type { DatabaseSync } from "node:sqlite";
import type { Event } from "../contracts/index.ts";
import { statement } from "../database/statement.ts";
import { capacityOf, findLocation } from "./locations.ts";

/** An event, and how many seats are taken and left. */
export interface Seating {
  readonly event: Event;
  readonly taken: number;
  readonly left: number;
}

const ROWS = "SELECT e.data, coalesce(t.seats, 0) AS taken FROM events e LEFT JOIN taken t ON t.event_id = e.id WHERE e.data IS NOT NULL";

/** All events whose location is known, in order of creation. */
export function allEvents(database: DatabaseSync): Seating[] {
  const seating = seatingWith(database);
  return statement(database, `${ROWS} ORDER BY e.sequence, e.id`)
    .all()
    .flatMap((row) => seating(row) ?? []);
}

/** The event, unless it was removed, or its location has not been heard of yet: without that nobody knows its seats. */
export function findEvent(database: DatabaseSync, id: string): Seating | undefined {
  const row = statement(database, `${ROWS} AND e.id = ?`).get(id);
  return row === undefined ? undefined : seatingWith(database)(row);
}

/** True for removed events too. */
export function eventWasHeardOf(database: DatabaseSync, id: string): boolean {
  return statement(database, "SELECT 1 FROM events WHERE id = ?").get(id) !== undefined;
}

function seatingWith(database: DatabaseSync): (row: Record<string, unknown>) => Seating | undefined {
  const locations = new Map<string, ReturnType<typeof findLocation>>();
  return (row) => {
    const event = JSON.parse(String(row.data)) as Event;
    if (!locations.has(event.locationId)) locations.set(event.locationId, findLocation(database, event.locationId));
    const location = locations.get(event.locationId);
    if (location === undefined) return undefined;
    const taken = Number(row.taken);
    return { event, taken, left: Math.max(0, capacityOf(location, event.hall) - taken) };
  };
}
