import { type AdapterSubscription, checkSubscribe, OpenSubscriptions, OptionCheck } from "../adapter/index.ts";
import { MillraceError } from "../errors/index.ts";
import type { Capabilities, SubscribeOptions, Subscriber, Subscription } from "../message/index.ts";
import { lines } from "./delimited.ts";
import { FileInput } from "./file-input.ts";
import { ioCapabilities } from "./io-capabilities.ts";
import { checkIoSubscriber, IO_SUBSCRIBER_DEFAULTS, type IoSubscriberOptions } from "./io-subscriber-options.ts";
import { RecordCursor, type RecordReceipt } from "./record-cursor.ts";
import { payload } from "./record-marshaler.ts";
import { recordSource } from "./record-source.ts";
import { StreamInput } from "./stream-input.ts";

/**
 * Reads messages from a stream or a file: lines, or records of another framing.
 *
 * - Acks count: at `maxInFlight: 1` the next record is handed out when the last one is acked, and a nack hands it out again.
 *   Bytes are read only as far as messages are wanted, so a slow handler slows the writer of a pipe down.
 * - At the end of a stream, or of a file that is not followed, the subscription ends once everything is acked. A last line without
 *   a line break counts then; in a followed file it waits for its line break.
 * - A followed file may come later, be emptied, or be moved away and made anew: reading goes on at the beginning of the new one.
 *   One that is emptied and grows beyond the old length between two looks cannot be told from one that only grew. One that is moved away
 *   while no subscription reads it is left behind: the next subscription begins with the new one.
 * - `delivery.position` is the byte offset of the record, and for files `from: { position }` begins with that record; `from` may be
 *   `"latest"` too. Records before a crash come again: nothing is remembered beyond the object, which remembers each group's place.
 * - A stream has one place for all: one subscription at a time, the next goes on where the last one stopped. A record of another
 *   topic, where the format carries it, is stepped over. One group has one subscription at a time.
 * - What cannot be decoded goes to the dead letter, raw; without one it is stepped over, logged, and counted in health.
 *
 * Throws `OptionError` `BAD_OPTION`; `subscribe` also `SUBSCRIPTION_BUSY`, `CLOSED` (closed, or at the input's end) and the file system's own errors.
 * A stream that fails ends the subscription with `INPUT_FAILED`.
 *
 * ```ts
 * const subscriber = new IoSubscriber({ input: process.stdin });
 * for await (const message of await subscriber.subscribe("stdin")) {
 *   console.log(message.text());
 *   message.ack();
 * }
 * ```
 */
export class IoSubscriber implements Subscriber {
  readonly capabilities: Capabilities;
  readonly #options: IoSubscriberOptions;
  readonly #stream: StreamInput | undefined;
  /** Where each group is; a stream has but one place. */
  readonly #cursors: Map<string, RecordCursor> = new Map();
  readonly #open: OpenSubscriptions = new OpenSubscriptions();
  #closing: Promise<void> | undefined;

  constructor(options: IoSubscriberOptions) {
    checkIoSubscriber(options);
    this.#options = options;
    this.capabilities = ioCapabilities({ file: options.input === undefined, durable: options.input === undefined, marshaler: options.marshaler });
    this.#stream = options.input === undefined ? undefined : new StreamInput(options.input);
  }

  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    checkSubscribe("IoSubscriber", topic, options);
    this.#checkFrom(options);
    if (this.#closing !== undefined) throw new MillraceError("the subscriber is closed", { code: "CLOSED" });
    const cursor = this.#cursor(topic, options);
    if (cursor.done) throw cursor.failure ?? new MillraceError("the input has been read to its end", { code: "CLOSED" });
    if (cursor.busy) {
      throw new MillraceError("the input is being read by another subscription: close that one first", { code: "SUBSCRIPTION_BUSY" });
    }
    const { marshaler = payload, file, prefetch, prefetchBytes, parkLimit, logger } = this.#options;
    cursor.busy = true;
    const opening: Promise<AdapterSubscription<RecordReceipt>> = this.#open.start<RecordReceipt>({
      topic,
      options,
      settings: { adapter: "io", prefetch, prefetchBytes, parkLimit, logger },
      source: recordSource(cursor, {
        topic,
        marshaler,
        reopens: file !== undefined,
        onDone: () => void opening.then((subscription) => subscription.finish()).catch(() => {}),
      }),
      onClosed: () => {
        cursor.busy = false;
      },
    });
    return await opening;
  }

  /** Drains its subscriptions and lets go of the stream, which stays open and is nobody's to read on. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.close(), this.#open.giveBack()]);
  }

  async #close(): Promise<void> {
    try {
      await this.#open.close();
    } finally {
      await this.#stream?.leave();
    }
  }

  #checkFrom({ from }: SubscribeOptions): void {
    const check = new OptionCheck("IoSubscriber.subscribe");
    if (this.#stream !== undefined) check.that(from === undefined, "from is for files: a stream is read as it comes");
    else if (typeof from === "object" && "time" in from) check.that(false, "from cannot be a time: records carry none");
    else check.that(typeof from !== "object" || /^\d{1,15}$/.test(from.position), "from.position must be the position of a delivery, a byte offset");
    check.done();
  }

  #cursor(topic: string, { group, from }: SubscribeOptions): RecordCursor {
    const name = this.#stream === undefined ? (group === undefined ? undefined : JSON.stringify([group, topic])) : "";
    const known = name === undefined ? undefined : this.#cursors.get(name);
    if (known !== undefined) return known;
    const { file = "", follow = false, pollMs = IO_SUBSCRIBER_DEFAULTS.pollMs, framing = lines() } = this.#options;
    const offset = from === "latest" ? "end" : typeof from === "object" && "position" in from ? Number(from.position) : 0;
    const input = this.#stream ?? new FileInput({ path: file, follow, pollMs, from: offset });
    const cursor = new RecordCursor(input, { framing, maxRecordBytes: this.#options.maxRecordBytes ?? IO_SUBSCRIBER_DEFAULTS.maxRecordBytes });
    if (name !== undefined) this.#cursors.set(name, cursor);
    return cursor;
  }
}
