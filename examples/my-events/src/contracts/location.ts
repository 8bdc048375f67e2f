import { defineEvent, type EventContract } from "millrace";
import { z } from "zod";
import { type Change, changeShape, type Removed, removedSchema } from "./change.ts";

export interface Hall {
  readonly name: string;
  readonly location: string;
  readonly capacity: number;
}

/** What a client says of a location. */
export interface LocationFields {
  readonly name: string;
  readonly address: string;
  readonly country: string;
  readonly openTime: number;
  readonly closeTime: number;
  readonly halls: readonly Hall[];
}

export interface Location extends LocationFields {
  readonly id: string;
}

/** A location as it is after the change. */
export interface LocationChange extends Change, LocationFields {}

const text = z.string().min(1);
const hour = z.int().min(0).max(24);

export interface LocationShape {
  readonly name: z.ZodString;
  readonly address: z.ZodString;
  readonly country: z.ZodString;
  readonly openTime: z.ZodInt;
  readonly closeTime: z.ZodInt;
  readonly halls: z.ZodType<readonly Hall[]>;
}

export const locationShape: LocationShape = {
  name: text,
  address: text,
  country: text,
  openTime: hour,
  closeTime: hour,
  halls: z.array(z.object({ name: text, location: z.string(), capacity: z.int().min(1).max(1_000_000_000) })),
};

const changeSchema: z.ZodType<LocationChange> = z.object({ ...changeShape, ...locationShape });

export const locationCreated: EventContract<LocationChange> = defineEvent("location.created", { schema: changeSchema, key: ({ id }) => id });
export const locationUpdated: EventContract<LocationChange> = defineEvent("location.updated", { schema: changeSchema, key: ({ id }) => id });
export const locationRemoved: EventContract<Removed> = defineEvent("location.removed", { schema: removedSchema, key: ({ id }) => id });
