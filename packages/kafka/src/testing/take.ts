import type { ReceivedMessage, Subscription } from "millrace";

/** Reads the next `count` messages, and acks them unless told otherwise. */
export async function take(subscription: Subscription, count: number, ack = true): Promise<ReceivedMessage[]> {
  const taken: ReceivedMessage[] = [];
  for await (const message of subscription) {
    if (ack) message.ack();
    if (taken.push(message) === count) break;
  }
  return taken;
}
