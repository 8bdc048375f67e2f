import { parseIsoDate } from "../contracts/iso-date.ts";
import { Problem } from "./problem.ts";
import { type ApiRequest, queryValues } from "./route.ts";

/** The moment that `?at=` asks for, in milliseconds since the epoch, or `undefined` for now. */
export function momentOf(request: ApiRequest): number | undefined {
  const values = queryValues(request.query, "at");
  if (values.length === 0) return undefined;
  const moment = values.length === 1 && values[0] !== undefined ? parseIsoDate(values[0]) : undefined;
  if (moment === undefined) throw new Problem("malformed", "at must be one moment in ISO 8601 with an offset, such as 2026-11-20T10:00:00Z");
  return moment.getTime();
}
