import { inHandOf } from "../message/in-hand.ts";
import type { ReceivedMessage, Verdict } from "../message/index.ts";

/** The verdict that a message has already, without waiting for one. */
export function earlyVerdict(message: ReceivedMessage): Promise<Verdict | undefined> {
  const inHand = inHandOf(message);
  // Behind a foreign message outside of a router stands nothing; its `settled` wins this race when it has resolved before.
  return inHand === undefined ? Promise.race([message.settled, Promise.resolve(undefined)]) : Promise.resolve(inHand.verdict);
}
