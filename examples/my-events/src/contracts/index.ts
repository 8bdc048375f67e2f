/** The contracts between the services: the only thing they share beside the broker. */
export * from "./booking.ts";
export * from "./change.ts";
export * from "./domain-event.ts";
export * from "./event.ts";
export * from "./iso-date.ts";
export * from "./location.ts";
export * from "./reading.ts";
