export * from "./option-check.ts";
