import type { ReceivedMessage } from "../message/index.ts";
import type { AdapterSubscription } from "./adapter-subscription.ts";
import { HandSource, nextOf } from "./hand-source.fixture.ts";
import type { AdapterSettings } from "./settings.ts";

export interface Hands {
  readonly source: HandSource;
  readonly subscription: AdapterSubscription<string>;
  readonly messages: ReceivedMessage[];
}

/** So many messages in hand, named 0, 1, 2, …, of no lane. */
export async function inHand(count: number, settings: Partial<AdapterSettings> = {}): Promise<Hands> {
  const source = new HandSource();
  const subscription = await source.subscribe({ maxInFlight: count, orderBy: "none" }, settings);
  const iterator = subscription[Symbol.asyncIterator]();
  source.session.deliver(...Array.from({ length: count }, (_, index) => String(index)));
  const messages: ReceivedMessage[] = [];
  while (messages.length < count) messages.push(await nextOf(iterator));
  return { source, subscription, messages };
}

export function message(hands: Hands, index: number): ReceivedMessage {
  const found = hands.messages[index];
  if (found === undefined) throw new Error(`no message ${index}`);
  return found;
}
