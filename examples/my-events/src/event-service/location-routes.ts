import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Location } from "../contracts/index.ts";
import { accepted, created, json, noContent, notFound, Problem, type Route } from "../http/index.ts";
import { command, removal } from "../service/command.ts";
import type { Context } from "../service/context.ts";
import { query } from "../service/query.ts";
import { allLocations, findLocation, locationHasEvents, nextVersion } from "../view/index.ts";
import { locationInput } from "./inputs.ts";

export function locationRoutes(context: Context): Route[] {
  return [
    query(context, "/locations", allLocations),
    query(context, "/locations/:id", (database, { id }) => existing(database, id)),
    command(context, "POST", "/locations", locationInput, ({ input, database, tell, occurredAt }) => {
      const id = randomUUID();
      tell("location.created", { ...accepted(input), id, occurredAt, ...nextVersion(database, "locations", id) });
      return created(`/locations/${id}`, existing(database, id));
    }),
    command(context, "PUT", "/locations/:id", locationInput, ({ input, params, database, tell, occurredAt }) => {
      const { id } = existing(database, params.id);
      tell("location.updated", { ...accepted(input), id, occurredAt, ...nextVersion(database, "locations", id) });
      return json(200, existing(database, id));
    }),
    removal(context, "/locations/:id", ({ params, database, tell, occurredAt }) => {
      const { id } = existing(database, params.id);
      if (locationHasEvents(database, id)) throw new Problem("in_use", "the location has events: remove them first");
      tell("location.removed", { id, occurredAt, ...nextVersion(database, "locations", id) });
      return noContent();
    }),
  ];
}

function existing(database: DatabaseSync, id: string | undefined): Location {
  const location = id === undefined ? undefined : findLocation(database, id);
  if (location === undefined) throw notFound("location");
  return location;
}
