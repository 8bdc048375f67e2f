import type { Capabilities } from "millrace";

/** What the SQL log promises, on SQLite. */
export const capabilities: Capabilities = Object.freeze({
  durable: true,
  replay: true,
  consumerGroups: true,
  groupless: true,
  ordering: "one-member",
  keys: true,
  // A nacked message waits with its member.
  nativeDelay: false,
  redelivers: true,
  attemptsSurviveCrash: true,
  transactionalPublish: true,
  deduplicatesPublish: false,
  // In a side table, from which it enters the log.
  maxPublishDelayMs: Number.POSITIVE_INFINITY,
  maxHandlingMs: Number.POSITIVE_INFINITY,
  stability: "beta",
});

/** A database in memory goes with the process, and nobody else has a connection to it. */
export const capabilitiesInMemory: Capabilities = Object.freeze({
  ...capabilities,
  durable: false,
  attemptsSurviveCrash: false,
  transactionalPublish: false,
});
