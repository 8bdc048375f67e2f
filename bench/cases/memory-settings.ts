/** One way of sending messages through a handler in memory; ours and those beside it take the same. */
export interface MemorySettings {
  readonly count: number;
  /** Messages sent before, so that the compiler has done its work. */
  readonly warmUp: number;
  readonly bytes: number;
  /** What the handler does: nothing, nothing in an `async` function, or reading the message's id. */
  readonly handler: "sync" | "async" | "id";
  readonly concurrency: number;
  /** Messages given to one call of publish; each call is awaited. Default 1. */
  readonly perCall?: number | undefined;
  /** Makes the yardstick's publisher wait for each message, as ours always does, and not only when the buffer is full. */
  readonly awaitEach?: boolean | undefined;
  /** Allocates a payload for every message instead of sending one again and again. */
  readonly ownPayload?: boolean | undefined;
}

/** Where ids go that a handler reads, so that reading them cannot be left out. */
export const sink: { id: string } = { id: "" };
