export { BACKOFF_NAMES, type BackoffOptions, checkBackoff, knownBackoff } from "./backoff-options.ts";
export { isText } from "./is-text.ts";
export * from "./option-check.ts";
export { type OptionNames, pickOptions } from "./option-names.ts";
export { shown } from "./shown.ts";
