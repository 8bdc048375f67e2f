import { inHandOf } from "../message/in-hand.ts";
import type { ReceivedMessage, Verdict } from "../message/index.ts";

/** The verdict that a message has already, without waiting for one. */
export function earlyVerdict(message: ReceivedMessage): Promise<Verdict | undefined> {
  const inHand = inHandOf(message);
  if (inHand !== undefined) return Promise.resolve(inHand.verdict);
  // Nothing stands behind a foreign message without a router; its `settled` wins this race when it has resolved before.
  return Promise.race([message.settled, Promise.resolve(undefined)]);
}
