import type { ConsumeMessage } from "amqplib";
import type { WireProperties } from "./codec.ts";
import { PREFIX } from "./delay/delay-exit.ts";
import { expiryHeaders, leftMs } from "./expiry.ts";
import { ATTEMPT_HEADER, EXCHANGE_HEADER, EXIT_HEADER, ROUTING_KEY_HEADER } from "./own-headers.ts";
import { describe } from "./receipt.ts";

/**
 * The properties with which a message goes back to its queue: its own, with the attempt and where it came from. What would send it
 * elsewhere, or be refused from another user's connection, is left out; its time to live counts on while it is `held` back, from now if
 * it was not counted yet.
 */
export function backProperties(raw: ConsumeMessage, attempt: number, held: boolean): WireProperties {
  const { headers = {}, clusterId, userId, expiration, deliveryMode, ...rest } = raw.properties as unknown as Record<string, unknown>;
  const { rabbitmq } = describe(raw, false);
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers as object)) {
    if (name === "CC" || name === EXIT_HEADER || name === "x-delivery-count" || name.startsWith("x-first-death-") || name.startsWith("x-last-death-")) continue;
    if (name !== "x-death") kept[name] = value;
    else {
      const deaths = deathsElsewhere(value);
      if (deaths.length > 0) kept[name] = deaths;
    }
  }
  kept[ATTEMPT_HEADER] = String(attempt);
  kept[EXCHANGE_HEADER] = rabbitmq.exchange;
  kept[ROUTING_KEY_HEADER] = rabbitmq.routingKey;
  const expiry = expiryHeaders({ expiration, headers: headers as Record<string, unknown> });
  if (expiry === undefined) return { ...rest, headers: kept, deliveryMode: deliveryMode as number, mandatory: true };
  Object.assign(kept, expiry);
  const left = held ? undefined : String(Math.max(0, Math.ceil(leftMs({ headers: kept }))));
  return { ...rest, headers: kept, deliveryMode: deliveryMode as number, mandatory: true, ...(left === undefined ? {} : { expiration: left }) };
}

/** What the broker noted about waiting in queues of ours is nobody's news, and would end in its taking the message for one that goes round. */
function deathsElsewhere(deaths: unknown): readonly unknown[] {
  if (!Array.isArray(deaths)) return [];
  return deaths.filter((death: { readonly queue?: unknown }) => typeof death.queue !== "string" || !death.queue.startsWith(PREFIX));
}
