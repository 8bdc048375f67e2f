import type { Capabilities } from "millrace";

export const capabilities: Capabilities = Object.freeze({
  durable: false,
  replay: false,
  consumerGroups: true,
  groupless: false,
  ordering: "one-member",
  keys: true,
  nativeDelay: false,
  redelivers: true,
  attemptsSurviveCrash: false,
  transactionalPublish: false,
  deduplicatesPublish: false,
  maxPublishDelayMs: 0,
  maxHandlingMs: Infinity,
  stability: "experimental",
});
