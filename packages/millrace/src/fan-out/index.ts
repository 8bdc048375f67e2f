export { FanOut } from "./fan-out.ts";
export { FAN_OUT_DEFAULTS, type FanOutOptions } from "./fan-out-options.ts";
