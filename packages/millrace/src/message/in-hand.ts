import type { NackOptions, ReceivedMessage, Verdict } from "./received-message.ts";

/**
 * What stands behind a received message and all views that `derive` or a decorator makes of it: one object for each delivery. Router and
 * middleware remember here what they have to remember of a message, so that it goes with it; ids may be empty, and may repeat.
 *
 * Found by a registered symbol, so that two copies of the library mix. A message of a foreign adapter has none; a router gives it one.
 */
export interface InHand {
  /** The verdict so far. */
  readonly verdict: Verdict | undefined;
  /** Somebody said nack, whether or not it still counted. */
  readonly nacked: boolean;
  /** Its router takes the call for failed: an ack that follows is that of a dead letter. */
  failed?: boolean | undefined;
  /** The call that has the message in hand; `undefined` before it begins and after it has ended. */
  readonly call: HandlerCall | undefined;
  /** A handler has it in hand, and nobody has asked for the call yet. */
  readonly needsNoCall?: boolean | undefined;
  /** The handler that it was given to; it stays known when the call has ended. */
  readonly taker?: Taker | undefined;
  /** `delivery.orderingKey`, or the key, without all the rest that a delivery tells. */
  readonly orderingKey: string | undefined;
  /** The same object in every redelivery that never left this process; for messages that have neither a position nor an id. */
  readonly content?: object | undefined;
  /** Should this delivery fail in the end: not again before so many milliseconds. Whoever gives the final nack takes it in place of its own backoff. */
  redeliveryDelayMs: number | undefined;
  /** The message's own, not that of a view: see `end`. */
  readonly signal: AbortSignal;
  /** A handler takes the message: a verdict no longer ends its signal. Without a call, the taker makes it when somebody first asks for it. */
  begin(call: HandlerCall | undefined, taker: Taker): void;
  /** Its handler has ended, or was abandoned: the verdict that was given, or will be, ends the signal; with a reason it ends at once. */
  end(reason?: unknown): void;
}

/** A message that stands behind its views itself, as those of `millrace/adapter` do. */
export type BriefMessage = ReceivedMessage & InHand;

/** The handler that a message was given to. */
export interface Taker {
  readonly handler: string;
  readonly publishTopic: string | undefined;
  /** What its subscriber is called in dead letters: see `adapterName`. */
  readonly subscriber?: string | undefined;
  /** The call of a message that it has taken without one. */
  readonly makeCall?: ((message: InHand) => HandlerCall) | undefined;
}

/** One handler call, from hand-out to verdict. */
export interface HandlerCall {
  /**
   * Its handler says nack: answers with the options that whoever handed the message out is told, the call's own delay among them.
   * `undefined`: it is told nothing yet, since the call sees to the message when the handler has ended. Until then no other verdict counts.
   */
  onNack?(options: NackOptions | undefined): NackOptions | undefined;
  /** A verdict was given, by whomever, while the call goes on; a nack perhaps with a delay. */
  onVerdict(verdict: Verdict, reason?: unknown, delayMs?: number): void;
  /** Settling the message threw: whoever handed it out is taken for broken, and nobody's handler for failed. */
  onBroken?(error: unknown): void;
  /**
   * Waits while nothing of the message runs: for a backoff, a turn, a batch. Time limits stand still meanwhile unless `counts`. When the
   * router drains, `run`'s signal aborts with an interruption as its reason: let that be what the wait ends with, and the message is handed
   * back at once. Not so with `finishes`, for what goes on by itself and soon.
   */
  rest<T>(run: (signal: AbortSignal) => Promise<T>, options?: RestOptions): Promise<T>;
  /** True while it rests so that time limits stand still. */
  readonly resting: boolean;
  /** Its batch has failed as a whole, or hangs: whose fault that is shows when it comes again, alone. Until then nobody gives it up. */
  readonly failedInCompany?: boolean | undefined;
  /** Told whenever `resting` changes; answers with how to stop. */
  onRest(listener: () => void): () => void;
}

export interface RestOptions {
  readonly counts?: boolean | undefined;
  readonly finishes?: boolean | undefined;
}

export const IN_HAND: unique symbol = Symbol.for("millrace.inHand") as never;

export interface WithInHand {
  readonly [IN_HAND]?: InHand | undefined;
}

/** Makes every object of a class its own `InHand`. */
export function standsBehindViews(prototype: InHand): void {
  Object.defineProperty(prototype, IN_HAND, {
    get(this: InHand): InHand {
      return this;
    },
  });
}

export function inHandOf(message: ReceivedMessage): InHand | undefined {
  return (message as ReceivedMessage & WithInHand)[IN_HAND];
}

/** By what a broker orders the message: its own ordering key, or the message's key. */
export function orderingKeyOf(message: ReceivedMessage): string | undefined {
  const own = inHandOf(message);
  return own === undefined ? (message.delivery.orderingKey ?? message.key) : own.orderingKey;
}

/** The call that has the message in hand. */
export function callOf(message: ReceivedMessage): HandlerCall | undefined {
  return (message as ReceivedMessage & WithInHand)[IN_HAND]?.call;
}

/** See `HandlerCall.failedInCompany`. */
export function failedInCompany(message: ReceivedMessage): boolean {
  return callOf(message)?.failedInCompany === true;
}

/** `HandlerCall.rest` for one view of the message, whose own signal ends the wait as well. */
export function rest<T>(message: ReceivedMessage, run: (signal: AbortSignal) => Promise<T>, options?: RestOptions): Promise<T> {
  const call = callOf(message);
  if (call === undefined) return run(message.signal);
  return call.rest((signal) => run(AbortSignal.any([signal, message.signal])), options);
}
