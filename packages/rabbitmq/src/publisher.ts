import { PublisherShell } from "millrace/adapter";
import { checkOptions, PUBLISHER_NAMES, type RabbitMqPublisherOptions } from "./options.ts";
import { Outbound } from "./outbound.ts";
import { settingsOf } from "./settings.ts";

/** What a publisher is doing. */
export interface RabbitMqPublisherStatus {
  /** `"idle"` before the first message; `"blocked"` while the broker takes none, for want of memory or disk. */
  readonly state: "idle" | "running" | "reconnecting" | "blocked" | "closed";
  /** Messages of calls that have not ended. */
  readonly waiting: number;
  /** What blocks it. */
  readonly detail?: string | undefined;
  readonly lastError?: Error | undefined;
}

/**
 * Publishes to exchanges, with the broker's confirmation for every message.
 *
 * `publish` resolves when the broker has confirmed all messages of the call: written to disk where queue and message are durable.
 *
 * - Calls under way at once share a window of unconfirmed messages per exchange; order of calls is order of sending.
 * - What no queue takes is rejected (`UNROUTABLE`), unless `mandatory` is false.
 * - During an outage, or while the broker blocks publishing, calls wait, at most `publishTimeoutMs`.
 * - A message that is not due is held back by the broker, for at most 45 days; then it goes to its exchange as if it were published at that
 *   moment. `publishDelay: "refuse"` rejects it instead, with `DELAY_UNSUPPORTED`, as does a longer delay.
 * - So does a call beyond `maxWaiting` or `maxWaitingBytes`, for room; beyond sixteen times as much it is refused: `BUFFER_FULL`.
 * - What was sent and not confirmed when a connection broke is `unknown`; nothing is sent twice.
 * - The broker answers to a message that it does not take by closing the channel. That one is rejected; the first message on a channel, and
 *   one larger than all before, goes alone for that. What was under way with it all the same is `unknown`, with `CONNECTION_LOST`.
 * - Rejects with `UNROUTABLE`, `MESSAGE_TOO_LARGE`, `MESSAGE_REFUSED`, `UNENCODABLE`, `ACCESS_DENIED`, `AUTHENTICATION_FAILED`, `TOPIC_MISSING`,
 *   `TOPIC_MISMATCH`, `DELAY_UNSUPPORTED`, `INVALID_DELAY`, `BROKER_UNREACHABLE`, `CONNECTION_LOST`, `BROKER_BLOCKED`, `PUBLISH_REFUSED`, `PUBLISH_TIMEOUT`,
 *   `PUBLISH_ABORTED`, `BUFFER_FULL`; after `close()` with `CLOSED`.
 *
 * ```ts
 * const publisher = new RabbitMqPublisher({ url: "amqp://localhost" });
 * await publisher.publish("order.placed", Message.json({ id: "o-1" }));
 * await publisher.close();
 * ```
 */
export class RabbitMqPublisher extends PublisherShell {
  readonly #outbound: Outbound;

  constructor(options: RabbitMqPublisherOptions) {
    checkOptions("RabbitMqPublisher", options, PUBLISHER_NAMES);
    const settings = settingsOf(options);
    const outbound = new Outbound("RabbitMqPublisher", "publish", settings);
    super({ capabilities: settings.capabilities, calls: outbound.queue, close: () => outbound.stop() });
    this.#outbound = outbound;
  }

  /** What it is doing, for health checks. */
  status(): RabbitMqPublisherStatus {
    const { queue, link, used } = this.#outbound;
    const blocked = link.current?.blocked;
    const open = link.current !== undefined;
    const state = queue.closed ? "closed" : blocked !== undefined ? "blocked" : open ? "running" : used ? "reconnecting" : "idle";
    return { state, waiting: queue.messages, detail: blocked, lastError: queue.trouble as Error | undefined };
  }
}
