import type { ReceivedMessage, Verdict } from "./received-message.ts";

/**
 * Side doors between the router and what `millrace/adapter` makes. They save a promise or a wrapper per message and are never
 * needed: with a foreign subscriber the router works through the public contract alone. They are found by name, so they open
 * between two copies of the library as well.
 */

/** The handler a message was given to. */
export interface Taker {
  readonly handler: string;
  readonly publishTopic: string | undefined;
  /** The delivery was lost while the handler had it. */
  onLost?(message: ReceivedMessage, reason: unknown): void;
}

/** On a received message. */
export interface MessageDoors {
  /** The router takes it in hand: from now on a verdict no longer ends its signal. */
  "millrace.takenBy"?(taker: Taker): void;
  /** Its handler has ended, or was abandoned: the signal aborts. */
  "millrace.ended"?(reason?: unknown): void;
  /** Back into its old place with the same attempt: for messages that did nothing wrong. */
  "millrace.handBack"?(): boolean;
  /** An earlier message of its lane failed since this one was handed out: it has to go back, to be handled after that one. */
  readonly "millrace.overtaken"?: boolean | undefined;
  /** Should this delivery fail in the end: not again before so many milliseconds. True when the wish is kept. */
  "millrace.redeliverAfter"?(delayMs: number): boolean;
  readonly "millrace.redeliveryDelayMs"?: number | undefined;
  /** The verdict so far. */
  readonly verdict?: Verdict | undefined;
}

/** Tells a message, where it wants to know, that its handler has ended or was abandoned. */
export function handlingEnded(message: ReceivedMessage): void {
  (message as MessageDoors)["millrace.ended"]?.();
}

/** On a subscription. */
export interface SubscriptionDoors {
  /** The next message, if one can be handed out at once. */
  "millrace.take"?(): ReceivedMessage | undefined;
  /** Resolves when nothing is held, in flight, or left to fetch. */
  "millrace.quiet"?(): Promise<void>;
  /** It closed because there is nothing more to come, ever: the end of a file. Nobody need take it up again. */
  readonly "millrace.finished"?: boolean;
}

/** In subscribe options. */
export interface SubscribeDoors {
  /** How many messages of one lane may be handed out unsettled. Default 1. */
  readonly "millrace.laneDepth"?: number | undefined;
  /** Where undecodable bytes go. */
  readonly "millrace.rawDeadLetter"?: ((payload: Uint8Array, position: string, error: unknown) => Promise<void>) | undefined;
}

/** On a middleware: the time limit it sets, in milliseconds. */
export interface MiddlewareDoors {
  readonly "millrace.timeLimitMs"?: number | undefined;
}

/** In publish options: the handler whose result is published, for publisher decorators. */
export interface PublishDoors {
  readonly "millrace.producedBy"?: Taker | undefined;
}
