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

/** The next message, acked: for a test that only looks at it. */
export async function readOne(subscription: Subscription): Promise<ReceivedMessage> {
  const [message] = await readSome(subscription, 1);
  if (message === undefined) throw new Error("the subscription ended");
  return message;
}

/** The next message, unsettled. Whoever takes it gives the verdict, for `close()` waits thirty seconds for one. */
export async function takeOne(subscription: Subscription): Promise<ReceivedMessage> {
  for await (const message of subscription) return message;
  throw new Error("the subscription ended");
}
