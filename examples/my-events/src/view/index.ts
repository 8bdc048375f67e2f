/** The state both services keep, made from the event log alone, and the questions they ask of it. */
export * from "./apply-event.ts";
export * from "./bookings.ts";
export * from "./events.ts";
export * from "./locations.ts";
export * from "./next-version.ts";
