import { defineEvent, type EventContract } from "millrace";
import { z } from "zod";

/** What a client asks for. */
export interface BookingFields {
  readonly seats: number;
  readonly userId?: string | undefined;
}

export interface Booking extends BookingFields {
  readonly id: string;
  readonly eventId: string;
  readonly createdAt: string;
}

export interface EventBooked extends BookingFields {
  /** Of the booking. */
  readonly id: string;
  readonly eventId: string;
  /** The booking's place in the order of creation. */
  readonly sequence: number;
  readonly occurredAt: string;
}

const bookedSchema: z.ZodType<EventBooked> = z.object({
  id: z.uuid(),
  eventId: z.uuid(),
  seats: z.int().min(1),
  userId: z.string().min(1).optional(),
  sequence: z.int().min(1),
  occurredAt: z.iso.datetime({ precision: 3 }),
});

export const eventBooked: EventContract<EventBooked> = defineEvent("event.booked", { schema: bookedSchema, key: ({ eventId }) => eventId });
