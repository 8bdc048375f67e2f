import type { ReceivedMessage } from "./received-message.ts";
import type { Subscription } from "./subscriber.ts";

/**
 * By what a router saves work with subscriptions of `millrace/adapter`. Never needed: with a foreign subscription the router works
 * through the public contract alone, only slower. Found by a registered symbol, so that two copies of the library mix.
 */
export interface SubscriptionDoor {
  /** The next message, if one can be handed out at once. */
  take(): ReceivedMessage | undefined;
  /**
   * Tells `listener` the next message once, in a microtask of its own, and `undefined` should the reading end before: then the iterator
   * tells how. For one reader that waits for nothing else. False, and nothing is told, when it has ended already.
   */
  whenNext(listener: NextListener): boolean;
  /** Resolves when nothing is held, in flight, or left to fetch; when it is paused, as soon as nothing is in flight; and when the signal aborts. */
  idle(signal?: AbortSignal): Promise<void>;
  readonly counts: SubscriptionCounts;
  /** Told at once when state, detail or last error have changed; answers with how to stop. */
  onStatus(listener: () => void): () => void;
}

export type NextListener = (message: ReceivedMessage | undefined) => void;

/** Of its whole life. */
export interface SubscriptionCounts {
  readonly undecodable: number;
  readonly reconnected: number;
}

export const SUBSCRIPTION_DOOR: unique symbol = Symbol.for("millrace.subscription") as never;

export interface WithSubscriptionDoor {
  readonly [SUBSCRIPTION_DOOR]?: SubscriptionDoor | undefined;
}

export function subscriptionDoor(subscription: Subscription): SubscriptionDoor | undefined {
  return (subscription as Subscription & WithSubscriptionDoor)[SUBSCRIPTION_DOOR];
}
