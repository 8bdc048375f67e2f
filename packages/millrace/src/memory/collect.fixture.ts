import type { ReceivedMessage, Subscription } from "../message/index.ts";

/** Reads and acks until so many have come. */
export async function collect(subscription: Subscription, count: number): Promise<ReceivedMessage[]> {
  const seen: ReceivedMessage[] = [];
  if (count === 0) return seen;
  for await (const message of subscription) {
    seen.push(message);
    message.ack();
    if (seen.length === count) break;
  }
  return seen;
}

export async function texts(subscription: Subscription, count: number): Promise<string[]> {
  return (await collect(subscription, count)).map((message) => message.text());
}
