import { type Capabilities, type Message, MillraceError, PublishError, type Publisher, type PublishOptions } from "millrace";
import { checkPublish, dueMsOf, publishWithinDelay, wallMs } from "millrace/adapter";
import { type Hold, holdFor } from "./delay/delay-exit.ts";
import type { Link } from "./link.ts";
import { withNativeProperties } from "./native-properties.ts";
import { checkOptions, PUBLISHER_NAMES, RABBITMQ_DEFAULTS, type RabbitMqPublisherOptions } from "./options.ts";
import type { Outbound } from "./outbound.ts";
import type { PublishJob } from "./publish-job.ts";
import { outboundOf, type Settings, settingsOf } from "./settings.ts";
import { checkTopic } from "./topic-name.ts";

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
export class RabbitMqPublisher implements Publisher {
  readonly #settings: Settings;
  readonly #outbound: Outbound;
  readonly #link: Link;
  readonly #mandatory: boolean;
  readonly #largest: number;
  #used = false;
  #closing: Promise<void> | undefined;

  constructor(options: RabbitMqPublisherOptions) {
    checkOptions("RabbitMqPublisher", options, PUBLISHER_NAMES);
    this.#settings = settingsOf(options);
    const { outbound, link } = outboundOf(this.#settings, "publish");
    this.#outbound = outbound;
    this.#link = link;
    this.#mandatory = options.mandatory ?? true;
    this.#largest = options.maxMessageBytes ?? RABBITMQ_DEFAULTS.maxMessageBytes;
  }

  get capabilities(): Capabilities {
    return this.#settings.capabilities;
  }

  async publish(topic: string, messages: Message | readonly Message[], options: PublishOptions = {}): Promise<void> {
    const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message];
    checkPublish("RabbitMqPublisher", topic, list, options);
    const { topology } = this.#settings;
    checkTopic("RabbitMqPublisher.publish", topology.exchange(topic), topology.publishKey(topic));
    if (this.#closing !== undefined) throw rejected(list.length, "the publisher is closed", "CLOSED", undefined);
    if (list.length === 0) return;
    this.#used = true;
    const exchange = topology.exchange(topic);
    const { maxPublishDelayMs } = this.capabilities;
    await publishWithinDelay("RabbitMqPublisher", list, maxPublishDelayMs, (some) =>
      this.#outbound.push(exchange, (job) => this.#fill(job, topic, some), options.signal),
    );
  }

  /** What it is doing, for health checks. */
  status(): RabbitMqPublisherStatus {
    const { waiting, trouble } = this.#outbound;
    const blocked = this.#link.current?.blocked;
    const open = this.#link.current !== undefined;
    const state = this.#closing !== undefined ? "closed" : blocked !== undefined ? "blocked" : open ? "running" : this.#used ? "reconnecting" : "idle";
    return { state, waiting, detail: blocked, lastError: trouble };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #fill(job: PublishJob, topic: string, messages: readonly Message[]): void {
    const { codec, topology } = this.#settings;
    const routingKey = topology.publishKey(topic);
    for (const message of messages) {
      if (message.payload.length > this.#largest) {
        throw rejected(messages.length, `a message of ${message.payload.length} bytes is larger than ${this.#largest}`, "MESSAGE_TOO_LARGE", undefined);
      }
      try {
        const { content, properties: encoded } = codec.encode(message);
        const properties = withNativeProperties(message, encoded);
        if (topology.persistent) properties.persistent = true;
        properties.mandatory = this.#mandatory;
        job.add(message.id, routingKey, content, properties, this.#hold(job.exchange, routingKey, message));
      } catch (error) {
        throw rejected(messages.length, (error as Error).message, MillraceError.is(error) ? error.code : "UNENCODABLE", error);
      }
    }
  }

  #hold(exchange: string, routingKey: string, message: Message): Hold | undefined {
    const dueMs = dueMsOf(message);
    return dueMs === undefined ? undefined : holdFor({ exchange, routingKey, keep: this.#mandatory }, dueMs, dueMs - wallMs());
  }

  async #close(): Promise<void> {
    await this.#outbound.idle();
    this.#outbound.stop();
    await this.#link.close();
  }
}

function rejected(count: number, text: string, code: string, cause: unknown): PublishError {
  return new PublishError(text, { code, cause, outcomes: Array.from({ length: count }, () => "rejected" as const) });
}
