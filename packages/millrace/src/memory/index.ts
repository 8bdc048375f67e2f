export { memoryCapabilities, persistentMemoryCapabilities } from "./capabilities.ts";
export type { MemoryPubSubOptions } from "./memory-options.ts";
export { MemoryPubSub } from "./memory-pubsub.ts";
