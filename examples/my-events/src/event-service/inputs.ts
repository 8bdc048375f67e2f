import { z } from "zod";
import { type EventFields, type LocationFields, locationShape, parseIsoDate } from "../contracts/index.ts";

/** A date as clients write it, turned into `toISOString()` form. */
const date = z.string().transform((text, context) => {
  const moment = parseIsoDate(text);
  if (moment !== undefined) return moment.toISOString();
  context.addIssue({ code: "custom", message: "must be a date in ISO 8601 with an offset, such as 2026-11-20T19:00:00+01:00" });
  return z.NEVER;
});

export const locationInput: z.ZodType<LocationFields> = z.object({
  ...locationShape,
  // An event names its hall, so one name must mean one hall.
  halls: locationShape.halls.superRefine((halls, context) => {
    for (const [index, { name }] of halls.entries()) {
      if (halls.findIndex((hall) => hall.name === name) < index)
        context.addIssue({ code: "custom", path: [index, "name"], message: "must differ from the other halls" });
    }
  }),
});

export const eventInput: z.ZodType<EventFields> = z
  .object({ name: z.string().min(1), locationId: z.string(), hall: z.string().min(1).optional(), startDate: date, endDate: date })
  .refine(({ startDate, endDate }) => startDate <= endDate, { path: ["endDate"], message: "must not be before startDate" });
