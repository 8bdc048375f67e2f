export { defineEvent, type EventContract } from "./define-event.ts";
