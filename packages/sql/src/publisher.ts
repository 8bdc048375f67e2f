import { type Capabilities, type Message, MillraceError, type Publisher, type PublishOptions } from "millrace";
import { checkPublish } from "millrace/adapter";
import { encodeRow } from "./codec.ts";
import type { Log, NewRow } from "./dialect.ts";
import { checkOptions, PUBLISHER_NAMES, SQL_DEFAULTS, type SqlPublisherOptions } from "./options.ts";
import { PublishQueue, publishError } from "./publish-queue.ts";

/**
 * Appends messages to topics of the log. `publish` resolves when the commit is on disk.
 *
 * - One call is one transaction; only a call that takes longer than about 10 ms is cut into several, and `PublishError.outcomes`
 *   tells by position how far it came. Calls under way at once share one commit.
 * - A locked database never blocks the event loop: the call waits, at most `publishTimeoutMs`, then rejects with `DATABASE_BUSY`.
 * - Rejects with `DATABASE_FULL`, `DATABASE_CORRUPT`, `DATABASE_READONLY`, `DATABASE_IO`, `DATABASE_UNREACHABLE`, `BUFFER_FULL`,
 *   `PUBLISH_ABORTED`, `UNENCODABLE`, `INVALID_DELAY`; after `close()` with `CLOSED`.
 *
 * ```ts
 * const publisher = new SqlPublisher({ dialect: sqlite({ path: "app.db" }) });
 * await publisher.publish("order.placed", Message.json({ id: "o-1" }));
 * await publisher.close();
 * ```
 */
export class SqlPublisher implements Publisher {
  readonly capabilities: Capabilities;
  readonly #log: Log;
  readonly #queue: PublishQueue;
  #closing: Promise<void> | undefined;

  constructor(options: SqlPublisherOptions) {
    checkOptions("SqlPublisher", options, PUBLISHER_NAMES);
    this.capabilities = options.dialect.capabilities;
    this.#log = options.dialect.attach();
    this.#queue = new PublishQueue(this.#log, {
      timeoutMs: options.publishTimeoutMs ?? SQL_DEFAULTS.publishTimeoutMs,
      maxWaiting: options.maxWaiting ?? SQL_DEFAULTS.maxWaiting,
      maxWaitingBytes: options.maxWaitingBytes ?? SQL_DEFAULTS.maxWaitingBytes,
    });
  }

  async publish(topic: string, messages: Message | readonly Message[], options: PublishOptions = {}): Promise<void> {
    const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message];
    checkPublish("SqlPublisher", topic, list, options);
    this.#log.checkTopic(topic);
    if (this.#closing !== undefined) throw publishError("the publisher is closed", "CLOSED", list.length, 0, "rejected", undefined);
    if (list.length === 0) return;
    await this.#queue.push(encodeRows(topic, list), options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await this.#queue.idle();
    await this.#log.detach();
  }
}

/** All of them, or a `PublishError` that rejects all. */
export function encodeRows(topic: string, messages: readonly Message[]): readonly NewRow[] {
  try {
    return messages.map((message) => encodeRow(topic, message));
  } catch (error) {
    const code = MillraceError.is(error) ? error.code : "UNENCODABLE";
    throw publishError((error as Error).message, code, messages.length, 0, "rejected", error);
  }
}
