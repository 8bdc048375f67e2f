import { inHandOf } from "./in-hand.ts";
import type { ReceivedMessage } from "./received-message.ts";

/**
 * Wishes that the message, should this delivery fail in the end, is not handed out again before `delayMs` milliseconds. Whoever
 * gives the final nack takes it in place of its own backoff. Outer middleware can still turn the failure into success: then it
 * has no effect. True when the delivery takes such wishes.
 */
export function redeliverAfter(message: ReceivedMessage, delayMs: number): boolean {
  const inHand = inHandOf(message);
  if (inHand === undefined) return false;
  inHand.redeliveryDelayMs = delayMs;
  return true;
}
