import { wallMs } from "../internal/timers.ts";
import type { Message, Metadata } from "../message/index.ts";
import type { PlainMessage } from "../message/message.ts";
import { TextMap } from "../message/metadata.ts";
import type { Acks } from "./acks.ts";

/** What has become of it: nobody has settled it, some group has, or it was counted as forgotten when the pub/sub closed. */
export const UNSETTLED: number = 0;
export const SETTLED: number = 1;
export const FORGOTTEN: number = 2;

/** Times are kept as what has passed since: a small number lies in the message itself, a large one in an object of its own. */
const BEGIN_MS = wallMs();

/**
 * What a publish leaves in a topic: the message as it was then. A class rather than a literal: V8 puts literals that have often
 * outlived a collection straight into the old space, where they, and all they refer to, stay until a full one.
 */
export class Stored {
  /** Its id is read when somebody asks for it. */
  readonly source: Message;
  readonly key: string | undefined;
  readonly payload: Uint8Array;
  readonly metadata: TextMap | undefined;
  /** Told about every group's ack, when the publisher waits for them. */
  acks: Acks | undefined;
  /** Place in the topic, from 1; 0 while it has none. */
  offset = 0;
  #sinceMs = 0;
  fate: number = UNSETTLED;

  /** `bare`: it had no metadata when it was published, whatever it has now. */
  constructor(message: Message, acks: Acks | undefined, bare = false) {
    const metadata = bare ? undefined : metadataOf(message);
    this.source = message;
    this.key = message.key;
    this.payload = message.payload;
    this.metadata = metadata === undefined || metadata.size === 0 ? undefined : new TextMap(metadata);
    this.acks = acks;
  }

  /** When it got its place, in milliseconds since the epoch; exact in persistent topics, else of the event loop's turn. */
  get publishedAt(): number {
    return BEGIN_MS + this.#sinceMs;
  }

  set publishedAt(ms: number) {
    this.#sinceMs = ms - BEGIN_MS;
  }
}

/** Metadata that nobody ever looked at does not exist yet; asking for it in the plain way would make it. */
export function metadataOf(message: Message): Metadata | undefined {
  return "_metadata" in message ? (message as PlainMessage)._metadata : message.metadata;
}
