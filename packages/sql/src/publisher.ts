import { MillraceError } from "millrace";
import { PublishCalls, PublisherShell } from "millrace/adapter";
import { encodeRow } from "./codec.ts";
import { LogWriter } from "./log-writer.ts";
import { checkOptions, PUBLISHER_NAMES, SQL_DEFAULTS, type SqlPublisherOptions } from "./options.ts";

/**
 * Appends messages to topics of the log. `publish` resolves when the commit is on disk.
 *
 * - One call is one transaction; only a call that takes longer than about 10 ms is cut into several, and `PublishError.outcomes`
 *   tells by position how far it came. Calls under way at once share one commit.
 * - A locked database never blocks the event loop: the call waits, at most `publishTimeoutMs`, then rejects with `DATABASE_BUSY`.
 * - So does a call beyond `maxWaiting` or `maxWaitingBytes`, for room, with `PUBLISH_TIMEOUT`; beyond sixteen times as much it is refused: `BUFFER_FULL`.
 * - Rejects with `DATABASE_FULL`, `DATABASE_CORRUPT`, `DATABASE_READONLY`, `DATABASE_IO`, `DATABASE_UNREACHABLE`, `BUFFER_FULL`,
 *   `PUBLISH_ABORTED`, `UNENCODABLE`, `INVALID_DELAY`; after `close()` with `CLOSED`.
 *
 * ```ts
 * const publisher = new SqlPublisher({ dialect: sqlite({ path: "app.db" }) });
 * await publisher.publish("order.placed", Message.json({ id: "o-1" }));
 * await publisher.close();
 * ```
 */
export class SqlPublisher extends PublisherShell {
  constructor(options: SqlPublisherOptions) {
    checkOptions("SqlPublisher", options, PUBLISHER_NAMES);
    const { dialect, logger } = options;
    const log = dialect.attach();
    const writer = new LogWriter(log);
    const calls = new PublishCalls(
      {
        subject: "SqlPublisher",
        adapter: dialect.name,
        otherCode: "DATABASE_ERROR",
        timeoutMs: options.publishTimeoutMs ?? SQL_DEFAULTS.publishTimeoutMs,
        maxWaiting: options.maxWaiting ?? SQL_DEFAULTS.maxWaiting,
        maxWaitingBytes: options.maxWaitingBytes ?? SQL_DEFAULTS.maxWaitingBytes,
        maxPublishDelayMs: Infinity,
        logger,
      },
      {
        encode: encodeRow,
        bytesOf: ({ payload, metadata }) => payload.length + (metadata?.length ?? 0),
        checkTopic: (topic) => log.checkTopic(topic),
        late: (text) => (log.busy ? new MillraceError(text, { code: "DATABASE_BUSY", retryable: true }) : undefined),
      },
      writer,
    );
    super({
      capabilities: dialect.capabilities,
      calls,
      close: async () => {
        await writer.idle();
        await log.detach();
      },
    });
  }
}
