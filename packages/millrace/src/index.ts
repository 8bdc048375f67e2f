/**
 * Millrace: the contract, the router, the built-in pub/sub, errors and loggers.
 * Everything else is a subpath of its own: `millrace/middleware`, `millrace/adapter`, `millrace/testing`, …
 */
export * from "./errors/index.ts";
export * from "./logger/index.ts";
export * from "./message/index.ts";
