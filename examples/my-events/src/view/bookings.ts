import type { DatabaseSync } from "node:sqlite";
import type { Booking } from "../contracts/index.ts";
import { statement } from "../database/statement.ts";

/** The bookings of one event, in order of creation. */
export function bookingsOf(database: DatabaseSync, eventId: string): Booking[] {
  return statement(database, "SELECT id, event_id, seats, user_id, created_at FROM bookings WHERE event_id = ? ORDER BY sequence, id")
    .all(eventId)
    .map((row) => ({
      id: String(row.id),
      eventId: String(row.event_id),
      seats: Number(row.seats),
      ...(row.user_id === null ? {} : { userId: String(row.user_id) }),
      createdAt: String(row.created_at),
    }));
}
