import { inHandOf } from "../message/in-hand.ts";
import type { ReceivedMessage } from "../message/index.ts";

/**
 * One object for a delivery, the same whichever view of it is asked: what is remembered of a delivery hangs on it. Never an id, which may be
 * empty and may repeat. For a foreign message without a router it is the promise of the verdict, which all views share.
 */
export function deliveryOf(message: ReceivedMessage): object {
  return inHandOf(message) ?? message.settled;
}
