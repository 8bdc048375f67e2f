import type { EventName } from "./domain-event.ts";

export type ServiceName = "events" | "bookings";

/** Which service reads which events. EventService tells of locations and events, BookingService of bookings. */
export const reading: Readonly<Record<ServiceName, readonly EventName[]>> = {
  events: ["event.booked"],
  bookings: ["location.created", "location.updated", "location.removed", "event.created", "event.updated", "event.removed"],
};

/** The consumer group, which is also the handler's name: one for each service and event. */
export function groupOf(service: ServiceName, event: EventName): string {
  return `${service}.${event}`;
}
