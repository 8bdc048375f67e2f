import { Message, type MessageOptions } from "millrace";
import { NO_PAYLOAD } from "millrace/adapter";

/** The payload of every tombstone. It is told by identity, so it survives `copy()`, decorators and, as `null`, an outbox. */
export const TOMBSTONE_PAYLOAD: Uint8Array = NO_PAYLOAD;

/**
 * A message without a value: on a compacted topic it deletes what was published under `key`. Any other broker gets an empty payload.
 *
 * ```ts
 * const removed = tombstone("customer-7");
 * ```
 */
export function tombstone(key: string | Uint8Array, options: Omit<MessageOptions, "key"> = {}): Message {
  return new Message(TOMBSTONE_PAYLOAD, { ...options, key });
}
