/** Plugins: run when a router starts. */
export { type SignalsOptions, signals } from "./signals.ts";
