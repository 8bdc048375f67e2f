/**
 * Millrace: the contract, the router, the built-in pub/sub, errors and loggers.
 * Everything else is a subpath of its own: `millrace/middleware`, `millrace/adapter`, `millrace/testing`, …
 */

export * from "./connect/index.ts";
export * from "./errors/index.ts";
export * from "./events/index.ts";
export * from "./logger/index.ts";
export * from "./memory/index.ts";
export * from "./message/index.ts";
export * from "./router/index.ts";
