import type { Capabilities } from "../message/index.ts";

/** What `MemoryPubSub` promises, without and with `persistent`. */
export const memoryCapabilities: Capabilities = Object.freeze({
  durable: false,
  replay: false,
  consumerGroups: true,
  groupless: true,
  ordering: "one-member",
  keys: true,
  nativeDelay: false,
  redelivers: true,
  attemptsSurviveCrash: false,
  transactionalPublish: false,
  deduplicatesPublish: false,
  maxPublishDelayMs: Infinity,
  maxHandlingMs: Infinity,
  stability: "stable",
});

export const persistentMemoryCapabilities: Capabilities = Object.freeze({ ...memoryCapabilities, replay: true });
