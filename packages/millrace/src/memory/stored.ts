import { wallMs } from "../internal/timers.ts";
import type { Message } from "../message/index.ts";
import type { PlainMessage } from "../message/message.ts";
import { TextMap } from "../message/metadata.ts";

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
  /** Place in the topic, from 1. */
  readonly offset: number;
  /** Milliseconds since the epoch; known in persistent topics only, where one can read from a time. */
  readonly publishedAt: number | undefined;
  /** Told about every group's ack, when the publisher waits for them. */
  readonly onAck: (() => void) | undefined;

  constructor(message: Message, offset: number, timed: boolean, onAck: (() => void) | undefined) {
    // Metadata that nobody ever looked at does not exist yet; asking for it here would make it.
    const plain = message as Partial<PlainMessage> & Message;
    const metadata = "_metadata" in plain ? plain._metadata : plain.metadata;
    this.source = message;
    this.key = message.key;
    this.payload = message.payload;
    this.metadata = metadata === undefined || metadata.size === 0 ? undefined : new TextMap(metadata);
    this.offset = offset;
    this.publishedAt = timed ? wallMs() : undefined;
    this.onAck = onAck;
  }
}
