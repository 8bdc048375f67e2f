export { FanIn } from "./fan-in.ts";
export { FAN_IN_DEFAULTS, type FanInOptions } from "./fan-in-options.ts";
