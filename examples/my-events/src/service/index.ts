/** What both services are made of: a journal of events in one database, routes over it, and the link to the broker. */
export * from "./broker-link.ts";
export * from "./journal.ts";
export * from "./service-tables.ts";
export * from "./start-service.ts";
