import type { Message } from "./message.ts";
import type { Capabilities } from "./subscriber.ts";

/** A handler, for those who work on behalf of it. */
export interface HandlerIdentity {
  /** Of its router. */
  readonly service: string | undefined;
  readonly handler: string;
  readonly group: string | undefined;
}

export interface PublishOptions {
  /** Aborting before the messages were sent rejects with outcomes `"rejected"`, afterwards with `"unknown"`. */
  readonly signal?: AbortSignal | undefined;
  /** The handler whose result this is. Set by a router, for decorators; adapters ignore it. */
  readonly producer?: HandlerIdentity | undefined;
}

/**
 * Sends messages to topics.
 *
 * - `publish` resolves when the broker has confirmed every message, in order; an empty list resolves at once.
 * - Otherwise it rejects with a `PublishError` whose `outcomes` tell, by position, whether a message was confirmed, rejected,
 *   or is unknown. After the first failure in a call nothing later of it is newly sent.
 * - Messages of one call are one batch; calls under way at once are put together.
 * - Concurrent publishers are bounded and pushed back: the promise waits for room, for a reconnection, and at most `publishTimeoutMs`.
 * - After `close()`: rejects with code `CLOSED`.
 */
export interface Publisher extends AsyncDisposable {
  /** What its broker promises. Absent: not known. */
  readonly capabilities?: Capabilities | undefined;
  publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void>;
  /** Waits for what is under way, then releases everything. Idempotent, always ends. */
  close(): Promise<void>;
}
