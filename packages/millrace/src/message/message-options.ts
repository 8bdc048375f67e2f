import type { MetadataInit } from "./metadata.ts";

export interface MessageOptions {
  /** Default: a new UUID of version 7. */
  readonly id?: string | undefined;
  /**
   * The ordering key, as text or bytes: messages of one key keep their order, on brokers that can (see `capabilities.ordering`). An empty
   * key is a key. A text with half a character in it (a lone surrogate) is refused: as bytes, two of them would be one.
   */
  readonly key?: string | Uint8Array | undefined;
  readonly metadata?: MetadataInit | undefined;
  /** Not delivered before so many milliseconds from now; see `dueAt`. Not together with `deliverAt`. */
  readonly delayMs?: number | undefined;
  /** Not delivered before this moment; see `dueAt`. */
  readonly deliverAt?: Date | undefined;
  /** Where a handler with several outputs means it to go; never on the wire, and ignored by `publish`. */
  readonly topic?: string | undefined;
}
