import type { Message } from "./message.ts";
import type { Publisher } from "./publisher.ts";
import type { ReceivedMessage } from "./received-message.ts";

export type MaybePromise<T> = T | Promise<T>;

/** What a handler gives back to be published. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler without a result returns nothing
export type Produced = Message | readonly Message[] | void;

/** Synchronous or asynchronous; the synchronous path costs no promise. A throw or a rejection nacks the message. */
export type Handler = (message: ReceivedMessage) => MaybePromise<Produced>;
export type ConsumerHandler = (message: ReceivedMessage) => void | Promise<void>;

export interface Batch {
  /** This one failed; the others of the batch are acked when the handler returns. */
  fail(message: ReceivedMessage, error: unknown): void;
}

/**
 * A return acks all but those named by `batch.fail`; a throw fails all. Whose fault a throw was cannot be known: of several messages that were
 * not named each comes alone from then on, and none is given up (by a dead letter, `poisonQueue` or `ignoreErrors`) before it has failed alone.
 */
export type BatchHandler = (messages: readonly ReceivedMessage[], batch: Batch) => void | Promise<void>;

/**
 * Wraps a handler. Composed once, when the handler starts; the first one added is outermost.
 *
 * ```ts
 * const timed: Middleware = (next) => async (message) => {
 *   const began = Date.now();
 *   try {
 *     return await next(message); // `await`: a bare `return next(message)` leaves the try before an asynchronous failure
 *   } finally {
 *     console.log(message.delivery.topic, Date.now() - began);
 *   }
 * };
 * ```
 */
export interface Middleware {
  (next: Handler): Handler;
  /** The time limit in milliseconds that it sets; a router refuses one that is above what the broker holds a message for. */
  readonly timeLimitMs?: number | undefined;
  /** Where it sends what fails; a router refuses one that would bring it back to the same handler. */
  readonly deadLetter?: { readonly publisher: Publisher; readonly topic: string } | undefined;
}
