import type { ContextKey } from "./context-key.ts";
import type { Message } from "./message.ts";
import type { MetadataInit } from "./metadata.ts";

/** What became of a delivery. `"lost"`: the broker may give it to another, and no verdict of ours counts any more. */
export type Verdict = "acked" | "nacked" | "lost";

export interface NackOptions {
  /**
   * Wait at least this many milliseconds before the message is handed out again; 0: at once. Default: in a handler of a router the backoff
   * of its failure policy, elsewhere 0.
   */
  readonly delayMs?: number | undefined;
  /** For the log line. */
  readonly reason?: string | undefined;
  /** It did nothing wrong: it goes back into its old place, with the same attempt. Default false. */
  readonly uncounted?: boolean | undefined;
}

/** Where a message came from, and how often. */
export interface Delivery {
  readonly topic: string;
  /** Hand-outs known to us, from 1. Survives a crash only where `capabilities.attemptsSurviveCrash`. */
  readonly attempt: number;
  /** The broker's own count where it has one. Prefetching inflates it: never a reason to give up. */
  readonly brokerDeliveries?: number | undefined;
  readonly orderingKey?: string | undefined;
  readonly group?: string | undefined;
  /** Partition and offset, sequence or entry id: printable, and accepted by `from: { position }`. */
  readonly position?: string | undefined;
  readonly publishedAt?: Date | undefined;
  /** The router's handler that was given the message. */
  readonly handler?: string | undefined;
  /** The topic that handler's results are published to. */
  readonly publishTopic?: string | undefined;
}

/**
 * One delivery of a message, with its verdict.
 *
 * | you | the broker sees |
 * |---|---|
 * | `ack()` | done; recorded at once, durable after `subscription.flush()` |
 * | `nack({ delayMs })` | kept or given back, and handed out again with `attempt + 1` |
 * | nothing | the message stays yours, its lease is kept alive |
 *
 * It can be published again as it is; that never touches its verdict.
 */
export interface ReceivedMessage extends Message {
  readonly delivery: Delivery;
  /** Aborts when the delivery is lost, at a timeout, at the drain's deadline, or when the handler has ended. Made when first asked for. */
  readonly signal: AbortSignal;
  /** Always resolves. Made when first asked for. */
  readonly settled: Promise<Verdict>;
  /** True when this verdict holds: it is the first one, or the same again, and the delivery is still ours. */
  ack(): boolean;
  /**
   * True when this verdict holds. In a handler of a router it fails the attempt, unless it is `uncounted`: when the attempts of the failure
   * policy are spent, the message goes to the dead letter, or without one is tried again at the longest delay. Throws `OptionError` for
   * options that are not known or of the wrong type.
   */
  nack(options?: NackOptions): boolean;
  /** A value that middleware put there with `derive`. */
  get<T>(key: ContextKey<T>): T | undefined;
  /** A view with another signal, metadata or context; it shares id, payload and verdict with this message. */
  derive(changes: DerivedChanges): ReceivedMessage;
}

export interface DerivedChanges {
  readonly signal?: AbortSignal | undefined;
  readonly metadata?: MetadataInit | undefined;
  readonly context?: ReadonlyArray<readonly [ContextKey<unknown>, unknown]> | undefined;
}
