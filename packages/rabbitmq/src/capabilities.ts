import type { Capabilities } from "millrace";
import { LONGEST_DELAY_MS } from "./delay/delay-route.ts";
import type { RabbitMqPubSubOptions } from "./options.ts";
import type { RabbitMqTopology } from "./topology.ts";

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

/** What of it is otherwise with these options. */
export function capabilitiesOf(topology: RabbitMqTopology, options: Pick<RabbitMqPubSubOptions, "delay" | "publishDelay" | "queue">): Capabilities {
  const durable = topology.queueDurable && topology.exchangeDurable && topology.persistent;
  const maxHandlingMs = options.queue?.consumerTimeoutMs ?? capabilities.maxHandlingMs;
  const nativeDelay = options.delay !== "here";
  const groupless = !topology.oneGroup;
  const maxPublishDelayMs = options.publishDelay === "refuse" ? 0 : capabilities.maxPublishDelayMs;
  const changes: Partial<Capabilities> = { durable, nativeDelay, groupless, maxPublishDelayMs, maxHandlingMs };
  const usual = Object.entries(changes).every(([name, value]) => capabilities[name as keyof Capabilities] === value);
  return usual ? capabilities : Object.freeze({ ...capabilities, ...changes });
}
