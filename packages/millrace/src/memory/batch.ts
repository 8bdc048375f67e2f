import { OptionError, PublishError, type PublishOutcome } from "../errors/index.ts";
import type { Message } from "../message/index.ts";
import type { Acks } from "./acks.ts";
import { metadataOf, Stored } from "./stored.ts";

/**
 * The messages of one publish as they were when it was called, and how many of them are in the topic. Throws an `OptionError` when one
 * of them cannot be read; then nothing is published of the others either.
 */
export class Batch {
  readonly size: number;
  /** Where the publisher waits for acks. */
  readonly acks: Acks | undefined;
  /** So many are in the topic, or held back until they are due. */
  next = 0;
  readonly #messages: readonly Message[];
  /** Of those with metadata, which can change afterwards. */
  #snapshots: Map<number, Stored> | undefined;

  constructor(messages: readonly Message[], acks: Acks | undefined) {
    this.size = messages.length;
    this.acks = acks;
    this.#messages = messages;
    this.#keep(messages);
  }

  /** The next message to be put. */
  current(): Stored {
    return this.#snapshots?.get(this.next) ?? new Stored(this.#messages[this.next] as Message, this.acks, true);
  }

  /** What the publish is rejected with: what is in the topic is confirmed, unless its acks should have been waited for. */
  refusal(code: string, text: string, cause?: unknown): PublishError {
    const put = this.acks === undefined ? "confirmed" : "unknown";
    const outcomes = Array.from({ length: this.size }, (_, index): PublishOutcome => (index < this.next ? put : "rejected"));
    const error = new PublishError(text, { code, retryable: code !== "CLOSED", cause, outcomes });
    this.acks?.refuse(error);
    return error;
  }

  #keep(messages: readonly Message[]): void {
    let index = 0;
    try {
      for (; index < messages.length; index++) {
        const message = messages[index] as Message;
        if (metadataOf(message) === undefined) continue; // all the rest of a message stays as it is
        this.#snapshots ??= new Map();
        this.#snapshots.set(index, new Stored(message, this.acks));
      }
    } catch (error) {
      throw new OptionError("MemoryPubSub.publish", [`messages[${index}] cannot be read: ${String(error)}`], { cause: error });
    }
  }
}
