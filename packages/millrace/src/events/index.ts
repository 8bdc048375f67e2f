export { defineEvent, type EventContract, type EventOptions } from "./define-event.ts";
