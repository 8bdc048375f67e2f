import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { BookingFields, Event } from "../contracts/index.ts";
import { accepted, created, notFound, Problem, type Route } from "../http/index.ts";
import { command } from "../service/command.ts";
import type { Context } from "../service/context.ts";
import { query } from "../service/query.ts";
import { allEvents, allLocations, bookingsOf, eventWasHeardOf, findEvent, nextSequence, type Seating } from "../view/index.ts";

const bookingInput: z.ZodType<BookingFields> = z.object({ seats: z.int().min(1), userId: z.string().min(1).optional() });

export function bookingRoutes(context: Context): Route[] {
  return [
    query(context, "/locations", allLocations),
    query(context, "/events", (database) => allEvents(database).map(withSeatsLeft)),
    query(context, "/events/:id", (database, { id }) => {
      const seating = id === undefined ? undefined : findEvent(database, id);
      if (seating === undefined) throw notFound("event");
      return withSeatsLeft(seating);
    }),
    query(context, "/events/:id/bookings", (database, { id }) => {
      if (id === undefined || !eventWasHeardOf(database, id)) throw notFound("event");
      return bookingsOf(database, id);
    }),
    query(context, "/events/:id/bookings/:booking", (database, { id = "", booking }) => {
      const found = bookingsOf(database, id).find((one) => one.id === booking);
      if (found === undefined) throw notFound("booking");
      return found;
    }),
    command(context, "POST", "/events/:id/bookings", bookingInput, ({ input, params, database, tell, occurredAt }) => {
      const seating = findEvent(database, params.id ?? "");
      if (seating === undefined) throw notFound("event");
      const { seats, userId } = accepted(input);
      // Read in this transaction, so no other booking, of this process or another, can take the seats meanwhile.
      if (seats > seating.left) throw new Problem("sold_out", `${seats} wanted, ${seating.left} left`);
      const id = randomUUID();
      const who = userId === undefined ? {} : { userId };
      tell("event.booked", { id, eventId: seating.event.id, seats, ...who, sequence: nextSequence(database, "bookings"), occurredAt });
      return created(`/events/${seating.event.id}/bookings/${id}`, { id, eventId: seating.event.id, seats, ...who, createdAt: occurredAt });
    }),
  ];
}

function withSeatsLeft({ event, left }: Seating): Event & { readonly seatsLeft: number } {
  return { ...event, seatsLeft: left };
}
