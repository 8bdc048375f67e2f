import type { EventContract } from "millrace";
import { type EventBooked, eventBooked } from "./booking.ts";
import type { Removed } from "./change.ts";
import { type EventChange, eventCreated, eventRemoved, eventUpdated } from "./event.ts";
import { type LocationChange, locationCreated, locationRemoved, locationUpdated } from "./location.ts";

/** Everything that can happen in MyEvents, by name. */
export interface DomainEvents {
  readonly "location.created": LocationChange;
  readonly "location.updated": LocationChange;
  readonly "location.removed": Removed;
  readonly "event.created": EventChange;
  readonly "event.updated": EventChange;
  readonly "event.removed": Removed;
  readonly "event.booked": EventBooked;
}

export type EventName = keyof DomainEvents;

export const contracts: { readonly [Name in EventName]: EventContract<DomainEvents[Name]> } = {
  "location.created": locationCreated,
  "location.updated": locationUpdated,
  "location.removed": locationRemoved,
  "event.created": eventCreated,
  "event.updated": eventUpdated,
  "event.removed": eventRemoved,
  "event.booked": eventBooked,
};

export const eventNames: readonly EventName[] = Object.keys(contracts) as EventName[];
