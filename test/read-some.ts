import type { ReceivedMessage, Subscription } from "millrace";

/** Reads and acks `count` messages. */
export async function readSome(subscription: Subscription, count: number): Promise<ReceivedMessage[]> {
  const found: ReceivedMessage[] = [];
  if (count === 0) return found;
  for await (const message of subscription) {
    message.ack();
    found.push(message);
    if (found.length === count) break;
  }
  return found;
}

/** The next message, unsettled. */
export async function takeOne(subscription: Subscription): Promise<ReceivedMessage> {
  for await (const message of subscription) return message;
  throw new Error("the subscription ended");
}
