import type { Message as AmqpMessage } from "amqplib";
import { type Message, MillraceError } from "millrace";
import { dueMsOf, type Outgoing, PublishQueue, type PublishTarget, wallMs } from "millrace/adapter";
import { amqpError } from "./amqp-error.ts";
import { holdFor } from "./delay/delay-exit.ts";
import { DelaySteps } from "./delay/delay-steps.ts";
import { Link } from "./link.ts";
import { withNativeProperties } from "./native-properties.ts";
import { RABBITMQ_DEFAULTS } from "./options.ts";
import { OutboundChannel } from "./outbound-channel.ts";
import type { OutboundMessage } from "./outbound-message.ts";
import { provideExchange, tryExchange } from "./provision.ts";
import type { Settings } from "./settings.ts";
import { checkTopic } from "./topic-name.ts";

/**
 * Everything that is published over one connection: its own, for a broker that is short of memory stops listening to it. Each exchange
 * has a channel of its own, since the broker answers to a mistake with one exchange by closing the channel.
 */
export class Outbound implements PublishTarget<OutboundMessage, OutboundChannel> {
  readonly link: Link;
  readonly queue: PublishQueue<OutboundMessage, OutboundChannel>;
  readonly #settings: Settings;
  readonly #steps: DelaySteps;
  /** Somebody has published. */
  used = false;

  constructor(subject: string, purpose: string, settings: Settings) {
    const { options, logger, reconnect } = settings;
    this.#settings = settings;
    this.link = new Link(settings.link, purpose, logger);
    this.#steps = new DelaySteps(this.link, { logger, reconnect });
    this.queue = new PublishQueue(
      {
        subject,
        adapter: "rabbitmq",
        otherCode: "CONNECTION_LOST",
        timeoutMs: options.publishTimeoutMs ?? RABBITMQ_DEFAULTS.publishTimeoutMs,
        maxWaiting: options.maxWaiting ?? RABBITMQ_DEFAULTS.maxWaiting,
        maxWaitingBytes: options.maxWaitingBytes ?? RABBITMQ_DEFAULTS.maxWaitingBytes,
        maxPublishDelayMs: settings.capabilities.maxPublishDelayMs,
        window: options.confirmWindow ?? RABBITMQ_DEFAULTS.confirmWindow,
        windowBytes: options.confirmWindowBytes ?? RABBITMQ_DEFAULTS.confirmWindowBytes,
        reconnect,
        logger,
      },
      this,
    );
  }

  /** The id of a message as it is on the wire. */
  idOf({ content, properties }: AmqpMessage): string | undefined {
    try {
      return this.#settings.codec.decode(content, properties).id;
    } catch {
      return undefined;
    }
  }

  checkTopic(topic: string): void {
    const { topology } = this.#settings;
    checkTopic("RabbitMqPublisher.publish", topology.exchange(topic), topology.publishKey(topic));
  }

  laneOf(topic: string): string {
    return this.#settings.topology.exchange(topic);
  }

  encode(topic: string, message: Message): OutboundMessage {
    const { codec, topology, options } = this.#settings;
    const { maxMessageBytes = RABBITMQ_DEFAULTS.maxMessageBytes, mandatory = true } = options;
    const { length } = message.payload;
    if (length > maxMessageBytes) throw new MillraceError(`a message of ${length} bytes is larger than ${maxMessageBytes}`, { code: "MESSAGE_TOO_LARGE" });
    const { content, properties: encoded } = codec.encode(message);
    const properties = withNativeProperties(message, encoded);
    if (topology.persistent) properties.persistent = true;
    properties.mandatory = mandatory;
    const exchange = topology.exchange(topic);
    const routingKey = topology.publishKey(topic);
    const dueMs = dueMsOf(message);
    const hold = dueMs === undefined ? undefined : holdFor({ exchange, routingKey, keep: mandatory }, dueMs, dueMs - wallMs());
    return { id: message.id, exchange, routingKey, content, properties, hold, returned: undefined, settled: false };
  }

  bytesOf({ content }: OutboundMessage): number {
    return content.length;
  }

  async connect(exchange: string, lost: (error: unknown) => void): Promise<OutboundChannel> {
    this.used = true;
    const { topology, options } = this.#settings;
    try {
      const link = await this.link.open();
      const channel = await link.model.createConfirmChannel();
      channel.on("error", () => {}); // told by what fails
      await tryExchange(this.link, exchange, topology, options);
      await provideExchange(channel, exchange, topology, options);
      if (link.closed) throw link.error;
      return new OutboundChannel(channel, link, { steps: this.#steps, idOf: (message) => this.idOf(message) }, lost);
    } catch (error) {
      throw amqpError(error, `publishing to exchange ${JSON.stringify(exchange)}`);
    }
  }

  ready(channel: OutboundChannel, message: Outgoing<OutboundMessage>): Promise<void> | undefined {
    return channel.ready(message);
  }

  send(channel: OutboundChannel, batch: readonly Outgoing<OutboundMessage>[]): void {
    channel.send(batch);
  }

  disconnect(channel: OutboundChannel): void {
    channel.close();
  }

  late(text: string): MillraceError | undefined {
    const blocked = this.link.current?.blocked;
    return blocked === undefined ? undefined : new MillraceError(`${text}: the broker is ${blocked}`, { code: "BROKER_BLOCKED", retryable: true });
  }

  async stop(): Promise<void> {
    this.#steps.stop();
    await this.queue.stop();
    await this.link.close();
  }
}
