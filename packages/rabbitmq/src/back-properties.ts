import type { ConsumeMessage } from "amqplib";
import type { WireProperties } from "./codec.ts";
import { delayQueueName } from "./delay-steps.ts";
import { ATTEMPT_HEADER, EXCHANGE_HEADER, ROUTING_KEY_HEADER } from "./own-headers.ts";
import { describe } from "./receipt.ts";

/**
 * The properties with which a message goes back to its queue: its own, with the attempt and where it came from. What would send it
 * elsewhere, or let it expire, or be refused from another user's connection, is left out.
 */
export function backProperties(raw: ConsumeMessage, queue: string, attempt: number): WireProperties {
  const { headers = {}, clusterId, userId, expiration, deliveryMode, ...rest } = raw.properties as unknown as Record<string, unknown>;
  const { rabbitmq } = describe(raw, false);
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers as object)) {
    if (name === "CC" || name === "x-delivery-count" || name.startsWith("x-first-death-") || name.startsWith("x-last-death-")) continue;
    if (name !== "x-death") kept[name] = value;
    else {
      const deaths = deathsElsewhere(value, queue);
      if (deaths.length > 0) kept[name] = deaths;
    }
  }
  kept[ATTEMPT_HEADER] = String(attempt);
  kept[EXCHANGE_HEADER] = rabbitmq.exchange;
  kept[ROUTING_KEY_HEADER] = rabbitmq.routingKey;
  return { ...rest, headers: kept, deliveryMode: deliveryMode as number, mandatory: true };
}

/** What the broker noted about waiting in delay queues of ours is nobody's news. */
function deathsElsewhere(deaths: unknown, queue: string): readonly unknown[] {
  if (!Array.isArray(deaths)) return [];
  const ours = delayQueueName(queue, 0).replace(/0ms$/, "");
  return deaths.filter((death: { readonly queue?: unknown }) => typeof death.queue !== "string" || !death.queue.startsWith(ours));
}
