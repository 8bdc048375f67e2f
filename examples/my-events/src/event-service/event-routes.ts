import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Event, EventFields } from "../contracts/index.ts";
import { accepted, type Checked, created, invalid, json, noContent, notFound, type Route } from "../http/index.ts";
import { command, removal } from "../service/command.ts";
import type { Context } from "../service/context.ts";
import { query } from "../service/query.ts";
import { allEvents, bookingsOf, eventWasHeardOf, findEvent, findLocation, nextVersion } from "../view/index.ts";
import { eventInput } from "./inputs.ts";

export function eventRoutes(context: Context): Route[] {
  return [
    query(context, "/events", (database) => allEvents(database).map(({ event }) => event)),
    query(context, "/events/:id", (database, { id }) => existing(database, id)),
    // What BookingService told: the other half of the collaboration, for everyone to see.
    query(context, "/events/:id/bookings", (database, { id }) => {
      if (id === undefined || !eventWasHeardOf(database, id)) throw notFound("event");
      return bookingsOf(database, id);
    }),
    command(context, "POST", "/events", eventInput, ({ input, database, tell, occurredAt }) => {
      const id = randomUUID();
      tell("event.created", { ...fieldsOf(database, input), id, occurredAt, ...nextVersion(database, "events", id) });
      return created(`/events/${id}`, existing(database, id));
    }),
    command(context, "PUT", "/events/:id", eventInput, ({ input, params, database, tell, occurredAt }) => {
      const { id } = existing(database, params.id);
      tell("event.updated", { ...fieldsOf(database, input), id, occurredAt, ...nextVersion(database, "events", id) });
      return json(200, existing(database, id));
    }),
    removal(context, "/events/:id", ({ params, database, tell, occurredAt }) => {
      const { id } = existing(database, params.id);
      tell("event.removed", { id, occurredAt, ...nextVersion(database, "events", id) });
      return noContent();
    }),
  ];
}

function existing(database: DatabaseSync, id: string | undefined): Event {
  const found = id === undefined ? undefined : findEvent(database, id);
  if (found === undefined) throw notFound("event");
  return found.event;
}

/** The fields, once the location and the hall they name are there. */
function fieldsOf(database: DatabaseSync, input: Checked<EventFields>): EventFields {
  const fields = accepted(input);
  const location = findLocation(database, fields.locationId);
  if (location === undefined) throw invalid([{ pointer: "/locationId", detail: "there is no such location" }]);
  if (fields.hall !== undefined && !location.halls.some(({ name }) => name === fields.hall)) {
    throw invalid([{ pointer: "/hall", detail: "the location has no hall of this name" }]);
  }
  return fields;
}
