import { checkPublish, publishWithinDelay } from "../adapter/index.ts";
import { MillraceError, PublishError, type PublishOutcome } from "../errors/index.ts";
import { startTimer, stopTimer } from "../internal/timers.ts";
import { within } from "../internal/within.ts";
import type { Capabilities, Message, Publisher, PublishOptions } from "../message/index.ts";
import type { ByteOutput } from "./byte-output.ts";
import { lines } from "./delimited.ts";
import { FileOutput } from "./file-output.ts";
import type { Framing } from "./framing.ts";
import { ioCapabilities } from "./io-capabilities.ts";
import { checkIoPublisher, IO_PUBLISHER_DEFAULTS, type IoPublisherOptions } from "./io-publisher-options.ts";
import { payload, type RecordMarshaler } from "./record-marshaler.ts";
import { streamOutput } from "./stream-output.ts";
import { WriteQueue } from "./write-queue.ts";

/**
 * Writes messages to a stream or to the end of a file: lines, or records of another framing.
 *
 * - `publish` resolves when the stream has taken every byte (its write callback), or the file system has; with `sync`, the disk.
 *   Calls are written in order, records whole, one after the other; nothing is written on top of a full buffer.
 * - Rejects with `PublishError`: `WRITE_FAILED` (the stream's or file system's error as cause), `RECORD_UNENCODABLE` (nothing of
 *   the call is written), `DELAY_UNSUPPORTED` (a message that is not due), `PUBLISH_TIMEOUT`, `PUBLISH_ABORTED`, `BUFFER_FULL`, and `CLOSED` after `close()`.
 * - Topics are told apart by the marshaler, or not at all.
 *
 * Throws `OptionError` `BAD_OPTION`. The stream stays open when the publisher closes, unless `end` is true.
 *
 * ```ts
 * const publisher = new IoPublisher({ output: process.stdout });
 * await publisher.publish("greetings", new Message("hello"));
 * ```
 */
export class IoPublisher implements Publisher {
  readonly capabilities: Capabilities;
  readonly #framing: Framing;
  readonly #marshaler: RecordMarshaler;
  readonly #timeoutMs: number;
  readonly #output: ByteOutput;
  readonly #queue: WriteQueue;
  #closing: Promise<void> | undefined;

  constructor(options: IoPublisherOptions) {
    checkIoPublisher(options);
    const { output, file = "", framing, marshaler, publishTimeoutMs, maxWaiting, end, sync } = options;
    this.capabilities = ioCapabilities({ file: output === undefined, durable: sync === true, marshaler });
    this.#framing = framing ?? lines();
    this.#marshaler = marshaler ?? payload;
    this.#timeoutMs = publishTimeoutMs ?? IO_PUBLISHER_DEFAULTS.publishTimeoutMs;
    this.#output = output === undefined ? new FileOutput(file, sync ?? false) : streamOutput(output, end ?? false);
    this.#queue = new WriteQueue(this.#output, maxWaiting ?? IO_PUBLISHER_DEFAULTS.maxWaiting);
  }

  async publish(topic: string, messages: Message | readonly Message[], options: PublishOptions = {}): Promise<void> {
    const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message];
    checkPublish("IoPublisher", topic, list, options);
    const { signal } = options;
    if (this.#closing !== undefined) throw refused(list.length, "CLOSED", "the publisher is closed", undefined);
    if (signal?.aborted) throw refused(list.length, "PUBLISH_ABORTED", "the publish was aborted", signal.reason);
    await publishWithinDelay("IoPublisher", list, 0, (some) => this.#write(topic, some, signal));
  }

  async #write(topic: string, list: readonly Message[], signal: AbortSignal | undefined): Promise<void> {
    if (list.length === 0) return;
    const entry = this.#queue.add(this.#records(topic, list));
    const timer = startTimer(() => entry.giveUp("PUBLISH_TIMEOUT", "the stream did not take the records in time", undefined), this.#timeoutMs);
    const onAbort = (): void => entry.giveUp("PUBLISH_ABORTED", "the publish was aborted", signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await entry.done;
    } finally {
      stopTimer(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Waits for what is under way, and with `end` for the stream to end: each publish, and the end, as long as `publishTimeoutMs`. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    if (await this.#queue.idle()) await within(this.#output.close(), this.#timeoutMs);
  }

  #records(topic: string, list: readonly Message[]): readonly Uint8Array[] {
    try {
      return list.map((message) => this.#framing.frame(this.#marshaler.marshal(topic, message)));
    } catch (cause) {
      const code = MillraceError.is(cause) ? cause.code : "RECORD_UNENCODABLE";
      throw refused(list.length, code, `a message cannot be written as a record: ${(cause as Error).message}`, cause);
    }
  }
}

function refused(count: number, code: string, text: string, cause: unknown): PublishError {
  const outcomes = Array.from({ length: count }, (): PublishOutcome => "rejected");
  return new PublishError(text, { code, retryable: code === "PUBLISH_ABORTED", cause, outcomes });
}
