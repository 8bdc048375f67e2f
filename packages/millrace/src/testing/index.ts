export { Faults, type MessageFault, type PublishFault, type ReorderFault } from "./faults.ts";
export { HARNESS_DEFAULTS, type Harness, type HarnessOptions, harness, type SettledOptions } from "./harness.ts";
export type { Published } from "./harness-pubsub.ts";
export { produced } from "./produced.ts";
export { type LoneMessage, type ReceivedOptions, received } from "./received.ts";
export { VirtualClock } from "./virtual-clock.ts";
