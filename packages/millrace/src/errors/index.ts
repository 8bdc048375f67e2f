export * from "./millrace-error.ts";
