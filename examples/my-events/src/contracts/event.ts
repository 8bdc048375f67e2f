import { defineEvent, type EventContract } from "millrace";
import { z } from "zod";
import { type Change, changeShape, type Removed, removedSchema } from "./change.ts";

/** What a client says of an event: a concert, say; not to be mixed up with the messages that tell of it. */
export interface EventFields {
  readonly name: string;
  readonly locationId: string;
  /** The name of one hall of the location; without it the event fills all of them. */
  readonly hall?: string | undefined;
  readonly startDate: string;
  readonly endDate: string;
}

export interface Event extends EventFields {
  readonly id: string;
}

/** An event as it is after the change. */
export interface EventChange extends Change, EventFields {}

const changeSchema: z.ZodType<EventChange> = z.object({
  ...changeShape,
  name: z.string().min(1),
  locationId: z.uuid(),
  hall: z.string().min(1).optional(),
  startDate: z.iso.datetime({ precision: 3 }),
  endDate: z.iso.datetime({ precision: 3 }),
});

export const eventCreated: EventContract<EventChange> = defineEvent("event.created", { schema: changeSchema, key: ({ id }) => id });
export const eventUpdated: EventContract<EventChange> = defineEvent("event.updated", { schema: changeSchema, key: ({ id }) => id });
export const eventRemoved: EventContract<Removed> = defineEvent("event.removed", { schema: removedSchema, key: ({ id }) => id });
