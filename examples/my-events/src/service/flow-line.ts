import type { DomainEvents, EventName } from "../contracts/index.ts";

/** One line for an event that was committed: `told  event.booked  2 seats of 0190…  (0191…)`. */
export function flowLine(direction: "told" | "heard", name: EventName, data: DomainEvents[EventName]): string {
  const what =
    "name" in data ? JSON.stringify(data.name) : "seats" in data ? `${data.seats} ${data.seats === 1 ? "seat" : "seats"} of event ${data.eventId}` : "";
  return `${direction.padEnd(5)} ${name.padEnd(16)} ${data.id}  ${what}`.trimEnd();
}
