import type { Capabilities } from "millrace";
import { LONGEST_DELAY_MS } from "./delay/delay-route.ts";

/** What RabbitMQ promises through this adapter, in its default topology (a fanout exchange per topic, a durable queue per group). */
export const capabilities: Capabilities = Object.freeze({
  durable: true,
  // A queue forgets what was acked; streams keep it, but know no groups over AMQP 0-9-1.
  replay: false,
  consumerGroups: true,
  groupless: true,
  ordering: "one-member",
  keys: true,
  nativeDelay: true,
  redelivers: true,
  // Without order the attempt travels with the message; in a lane it is kept by the member alone.
  attemptsSurviveCrash: false,
  transactionalPublish: false,
  deduplicatesPublish: false,
  maxPublishDelayMs: LONGEST_DELAY_MS,
  // The broker's consumer_timeout.
  maxHandlingMs: 30 * 60_000,
  stability: "beta",
});
