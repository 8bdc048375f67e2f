import type { ReceivedMessage, Subscription } from "millrace";

/** Reads `count` messages, and acks them unless told otherwise. */
export async function readSome(subscription: Subscription, count: number, ack = true): Promise<ReceivedMessage[]> {
  const found: ReceivedMessage[] = [];
  if (count === 0) return found;
  for await (const message of subscription) {
    if (ack) message.ack();
    if (found.push(message) === count) break;
  }
  return found;
}

/** The next message, unsettled. */
export async function takeOne(subscription: Subscription): Promise<ReceivedMessage> {
  for await (const message of subscription) return message;
  throw new Error("the subscription ended");
}
