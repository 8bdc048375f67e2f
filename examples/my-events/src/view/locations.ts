import type { DatabaseSync } from "node:sqlite";
import type { Location } from "../contracts/index.ts";
import { statement } from "../database/statement.ts";

/** All locations, in order of creation. */
export function allLocations(database: DatabaseSync): Location[] {
  return statement(database, "SELECT data FROM locations WHERE data IS NOT NULL ORDER BY sequence, id").all().map(toLocation);
}

export function findLocation(database: DatabaseSync, id: string): Location | undefined {
  const row = statement(database, "SELECT data FROM locations WHERE id = ? AND data IS NOT NULL").get(id);
  return row === undefined ? undefined : toLocation(row);
}

export function locationHasEvents(database: DatabaseSync, id: string): boolean {
  return statement(database, "SELECT 1 FROM events WHERE location_id = ? LIMIT 1").get(id) !== undefined;
}

/** The seats of one hall, or of all; a hall that the location does not have (any more) has none. */
export function capacityOf(location: Location, hall: string | undefined): number {
  const halls = hall === undefined ? location.halls : location.halls.filter(({ name }) => name === hall);
  return halls.reduce((sum, { capacity }) => sum + capacity, 0);
}

function toLocation(row: Record<string, unknown>): Location {
  return JSON.parse(String(row.data)) as Location;
}
