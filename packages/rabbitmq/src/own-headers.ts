import { KEY_BASE64_METADATA, KEY_METADATA } from "millrace/adapter";

/** On messages that were nacked and came back through the broker: the number of the next attempt, and where it was published to. */
export const ATTEMPT_HEADER = "millrace_attempt";
export const EXCHANGE_HEADER = "millrace_exchange";
export const ROUTING_KEY_HEADER = "millrace_routing_key";

/** On messages that were held back: where they go when they are due, should the broker have forgotten that. */
export const EXIT_HEADER = "millrace_delay_exit";

/** On messages with a time to live that were held back: what it was, and when it is over, in milliseconds since the epoch. */
export const EXPIRATION_HEADER = "millrace_expiration";
export const EXPIRES_HEADER = "millrace_expires_at";

/** On messages whose own properties could not be read: their bytes. */
export const UNREAD_HEADER = "millrace_unread";

const OURS: ReadonlySet<string> = new Set([
  ...[KEY_METADATA, KEY_BASE64_METADATA],
  ...[ATTEMPT_HEADER, EXCHANGE_HEADER, ROUTING_KEY_HEADER, EXIT_HEADER, EXPIRATION_HEADER, EXPIRES_HEADER, UNREAD_HEADER],
]);
const BROKERS: ReadonlySet<string> = new Set(["x-death", "x-delivery-count", "x-acquired-count", "x-stream-offset", "CC", "BCC"]);

/** True for headers that are no metadata: ours, and what the broker notes about a delivery. */
export function isOwnHeader(name: string): boolean {
  return OURS.has(name) || BROKERS.has(name) || name.startsWith("x-first-death-") || name.startsWith("x-last-death-");
}
