export * from "./option-check.ts";
export { type OptionNames, pickOptions } from "./option-names.ts";
export { shown } from "./shown.ts";
