import type { Capabilities, Message, Publisher, PublishOptions, PublishOutcome } from "millrace";
import { abortedError, checkPublish, encodeAll, publishError, refusal } from "millrace/adapter";
import { encodeRow } from "./codec.ts";
import type { Dialect } from "./dialect.ts";

/**
 * Publishes within a transaction that the caller has begun on its own connection: the messages exist when that commits, and never
 * when it rolls back. This is the whole of a transactional outbox.
 *
 * ```ts
 * database.exec("BEGIN IMMEDIATE");
 * database.prepare("INSERT INTO orders (id) VALUES (?)").run("o-1");
 * pubsub.within(database).publishSync("order.placed", Message.json({ id: "o-1" }));
 * database.exec("COMMIT");
 * ```
 * Subscriptions notice the commit within the polling interval; `pubsub.wake(topic)` after it makes that at once.
 */
export class TransactionPublisher implements Publisher {
  readonly #dialect: Dialect;
  readonly #connection: unknown;

  constructor(dialect: Dialect, connection: unknown) {
    this.#dialect = dialect;
    this.#connection = connection;
  }

  get capabilities(): Capabilities {
    return this.#dialect.capabilities;
  }

  /**
   * Inserts at once, all or none. Throws `PublishError`: `NO_TRANSACTION` when none is open, `OTHER_DATABASE` for a connection to
   * another file than the pub/sub's, else a `DATABASE_…` code.
   */
  publishSync(topic: string, messages: Message | readonly Message[]): void {
    const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message];
    checkPublish("within", topic, list);
    if (list.length === 0) return;
    const rows = encodeAll(topic, list, { encode: encodeRow });
    try {
      this.#dialect.appendWithin(this.#connection, rows);
    } catch (error) {
      throw publishError(error, new Array<PublishOutcome>(list.length).fill("rejected"), "DATABASE_ERROR");
    }
  }

  /** As `publishSync`; the promise says that the rows are inserted, not that your transaction is committed. */
  async publish(topic: string, messages: Message | readonly Message[], options: PublishOptions = {}): Promise<void> {
    const list = Array.isArray(messages) ? messages : [messages];
    checkPublish("within", topic, list, options);
    const { signal } = options;
    if (signal?.aborted) throw refusal(abortedError(signal), list.length);
    this.publishSync(topic, messages);
  }

  /** Does nothing: connection and transaction are yours. */
  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
