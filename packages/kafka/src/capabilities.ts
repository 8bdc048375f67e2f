import type { Capabilities } from "millrace";

/** What Kafka promises through this adapter. */
export const capabilities: Capabilities = Object.freeze({
  durable: true,
  replay: true,
  consumerGroups: true,
  groupless: true,
  // A key is one partition, and a partition belongs to one member at a time.
  ordering: "per-key",
  keys: true,
  // A log delivers in its order: a nacked message waits with its member.
  nativeDelay: false,
  redelivers: true,
  attemptsSurviveCrash: false,
  transactionalPublish: true,
  // A repeated send is removed by the broker; a message published twice under one id is not.
  deduplicatesPublish: false,
  maxPublishDelayMs: 0,
  maxHandlingMs: Number.POSITIVE_INFINITY,
  stability: "beta",
});

/** With `acks: "leader"` what is confirmed may be lost with that one broker. */
export function capabilitiesOf({ acks }: { readonly acks?: "all" | "leader" | undefined }): Capabilities {
  return acks === "leader" ? Object.freeze({ ...capabilities, durable: false }) : capabilities;
}
