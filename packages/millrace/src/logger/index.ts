export * from "./console-logger.ts";
export * from "./logger.ts";
export * from "./silent-logger.ts";
