/** An append-only log with replay: state now, state rebuilt, state as of a moment, all from the same records. */
export * from "./as-of.ts";
export * from "./event-log.ts";
export * from "./projection.ts";
export * from "./rebuild.ts";
