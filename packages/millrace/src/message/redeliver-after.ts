import { inHandOf } from "./in-hand.ts";
import type { ReceivedMessage } from "./received-message.ts";

/**
 * Wishes that the message, should this delivery fail in the end, is not handed out again before `delayMs` milliseconds; of several
 * wishes the longest holds. Whoever gives the final nack takes it in place of its own backoff. Outer middleware can still turn the
 * failure into success: then it has no effect. False when no router has the message in hand: nobody would hear of it.
 */
export function redeliverAfter(message: ReceivedMessage, delayMs: number): boolean {
  const inHand = inHandOf(message);
  if (inHand?.call === undefined) return false;
  inHand.redeliveryDelayMs = Math.max(inHand.redeliveryDelayMs ?? 0, delayMs);
  return true;
}
