import type { TextMap } from "../message/metadata.ts";

/** What an adapter fetched: the fields of one message. */
export interface Fetched {
  /** An object whose `id` is read when somebody asks: give the published message itself, or a plain `{ id }`. */
  readonly source: MessageSource;
  readonly key: string | undefined;
  readonly payload: Uint8Array;
  /** Handed over: the adapter must not write to it afterwards. */
  readonly metadata: TextMap | undefined;
}

/** Where a message's id, and metadata that are not decoded yet, are read from when somebody asks. */
export interface MessageSource {
  readonly id: string;
  /** Instead of `Fetched.metadata`: asked once for each delivery that is asked for metadata; the answer is handed over. */
  readMetadata?(): TextMap | undefined;
}
