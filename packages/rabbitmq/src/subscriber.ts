import { type BrokerAdmin, type Capabilities, MillraceError, OptionError, type SubscribeOptions, type Subscriber, type Subscription } from "millrace";
import { checkSubscribe, OpenSubscriptions } from "millrace/adapter";
import { rabbitMqAdmin } from "./admin.ts";
import { capabilities } from "./capabilities.ts";
import { leaveChannel } from "./leave-channel.ts";
import { Link } from "./link.ts";
import { checkOptions, RABBITMQ_DEFAULTS, type RabbitMqSubscriberOptions, SUBSCRIBER_NAMES } from "./options.ts";
import { Outbound } from "./outbound.ts";
import { provideExchange, provideQueue, type QueueWish, tryExchange } from "./provision.ts";
import { QueueSource } from "./queue-source.ts";
import type { RabbitMqReceipt } from "./receipt.ts";
import { type Settings, settingsOf } from "./settings.ts";
import { checkTopic } from "./topic-name.ts";
import { tryAgain } from "./try-again.ts";
import { WayBack } from "./way-back.ts";

/** Twice the attempts that a router makes unless told otherwise. */
const LEAST_DELIVERIES = 20;

/**
 * Reads queues, for a group or for oneself. All subscriptions share one connection, each has a channel of its own; what goes back
 * with a delay is published over a second connection.
 *
 * | | what the broker sees |
 * |---|---|
 * | the handler returns (`ack`) | `basic.ack`, for a run of messages at once where it can be |
 * | it throws (`nack`), `maxInFlight: 1` or a key | nothing: the message stays with this member, which tries again after the delay |
 * | it throws (`nack`), no order | a copy in the delay queue of the step, confirmed; then `basic.ack`. After the delay the broker puts it back into the queue |
 * | it runs out of time | as a throw, once its promise settles |
 * | it takes longer than the broker's `consumer_timeout`, 30 minutes | the channel is closed (`CONSUMER_TIMEOUT`): everything in hand is lost and delivered again |
 * | the process dies, the connection breaks | everything in hand is delivered again at once, `redelivered`; a late verdict answers false |
 * | the process stands still for longer than the heartbeat | as if it had died |
 * | `pause`, `close` | `basic.nack` with requeue for what was not handed out; a quorum queue counts it in `brokerDeliveries` |
 *
 * - `delivery.attempt` begins again at 1 when a member that kept the message dies.
 * - Order is the order of the queue, within one member (`capabilities.ordering` is `"one-member"`).
 *
 * ```ts
 * const subscriber = new RabbitMqSubscriber({ url: "amqp://localhost" });
 * const subscription = await subscriber.subscribe("order.placed", { group: "billing" });
 * for await (const message of subscription) message.ack();
 * ```
 */
export class RabbitMqSubscriber implements Subscriber {
  readonly #options: RabbitMqSubscriberOptions;
  readonly #settings: Settings;
  readonly #link: Link;
  readonly #wayBack: WayBack;
  readonly #open: OpenSubscriptions = new OpenSubscriptions();
  /** Queue → the topic and group it is read for here. */
  readonly #readers: Map<string, string> = new Map();
  /** The wishes of the subscriptions that are open. */
  readonly #read: Set<QueueWish> = new Set();
  #admin: BrokerAdmin | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RabbitMqSubscriberOptions) {
    checkOptions("RabbitMqSubscriber", options, SUBSCRIBER_NAMES);
    this.#options = options;
    this.#settings = settingsOf(options);
    this.#link = new Link(this.#settings.link, "consume", this.#settings.logger);
    this.#wayBack = new WayBack(new Outbound("RabbitMqSubscriber", "nack", this.#settings));
    const { type, deliveryLimit } = options.queue ?? {};
    if (type === "quorum" && deliveryLimit !== undefined && deliveryLimit < LEAST_DELIVERIES) {
      this.#settings.logger.warn(
        { adapter: "rabbitmq", deliveryLimit },
        "the broker's delivery limit is below twice the attempts of a handler: it may give up first",
      );
    }
  }

  get capabilities(): Capabilities {
    return this.#settings.capabilities;
  }

  /** What tools may ask over AMQP: see `BrokerAdmin`. Only `deleteGroup`; it is refused while the queue has consumers, or is read here. */
  get admin(): BrokerAdmin {
    this.#admin ??= rabbitMqAdmin({
      link: this.#link,
      topology: this.#settings.topology,
      checkOpen: () => this.#checkOpen(),
      queueOf: (topic, group) => this.#queueOf(topic, group),
      isRead: (queue) => [...this.#read].some((wish) => wish.queue === queue),
    });
    return this.#admin;
  }

  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    const wish = this.#wish(topic, options);
    const {
      delay = "broker",
      onUndecodable = "delay",
      prefetch,
      prefetchBytes,
      parkLimit,
      checkTopologyMs = RABBITMQ_DEFAULTS.checkTopologyMs,
    } = this.#options;
    const { topology, codec, logger, reconnect } = this.#settings;
    const source = new QueueSource({
      link: this.#link,
      topology,
      provision: this.#options,
      checkTopologyMs,
      rules: {
        ...wish,
        quorum: this.#options.queue?.type === "quorum" && !wish.temporary,
        patterns: topology.patterns,
        onUndecodable,
        codec,
        wayBack: this.#wayBack,
        logger,
      },
    });
    const settings = {
      adapter: "rabbitmq",
      returns: delay === "broker",
      settlesApart: true, // each batch of acks costs the broker an answer
      leaseMs: (wish.temporary ? capabilities : this.capabilities).maxHandlingMs,
      ...{ prefetch, prefetchBytes, parkLimit, logger, reconnect },
    };
    this.#read.add(wish);
    const onClosed = (): void => void this.#read.delete(wish);
    return await this.#open.start<RabbitMqReceipt>({ topic, options, source, settings, onClosed });
  }

  /** Declares exchange, queue and binding of a group, so that nothing published from now on is missed; without a group the exchange. */
  async provision(topic: string, options: Pick<SubscribeOptions, "group" | "from"> = {}): Promise<void> {
    const { group } = options;
    const wish = group === undefined ? undefined : this.#wish(topic, options);
    if (group === undefined) this.#check(topic, options);
    const { topology } = this.#settings;
    await tryAgain(
      async () => {
        await tryExchange(this.#link, topology.exchange(topic), topology, this.#options);
        const link = await this.#link.open();
        const channel = await link.model.createChannel();
        channel.on("error", () => {}); // the declaration rejects
        if (wish === undefined) await provideExchange(channel, topology.exchange(topic), topology, this.#options);
        else await provideQueue(channel, wish, topology, this.#options);
        leaveChannel(channel);
      },
      `provisioning ${JSON.stringify(topic)}`,
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.close(), this.#open.giveBack()]);
  }

  #check(topic: string, options: SubscribeOptions): void {
    checkSubscribe("RabbitMqSubscriber", topic, options);
    if (options.from !== undefined && options.from !== "latest") {
      throw new OptionError("RabbitMqSubscriber.subscribe", ['from: a queue begins with what is published from now on, only "latest" is possible']);
    }
    this.#checkOpen();
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new MillraceError("the subscriber is closed", { code: "CLOSED" });
  }

  #queueOf(topic: string, group: string): string {
    return (this.#options.groupName ?? this.#settings.topology.queue)(topic, group);
  }

  #wish(topic: string, options: SubscribeOptions): QueueWish {
    this.#check(topic, options);
    const { topology } = this.#settings;
    const { group } = options;
    if (group === undefined && topology.oneGroup) {
      throw new OptionError("RabbitMqSubscriber.subscribe", ["group is missing: in this topology all readers of a topic share its one queue"]);
    }
    const queue = group === undefined ? `${topic}_millrace.${globalThis.crypto.randomUUID()}` : this.#queueOf(topic, group);
    checkTopic("RabbitMqSubscriber.subscribe", topology.exchange(topic), topology.bindKey(topic));
    checkTopic("RabbitMqSubscriber.subscribe", queue);
    if (group !== undefined) {
      const reader = JSON.stringify([topic, group]);
      const known = this.#readers.get(queue) ?? reader;
      if (known !== reader) {
        throw new OptionError("RabbitMqSubscriber.subscribe", [
          `queue ${queue} is that of another topic or group here, ${known}: they would take each other's messages`,
        ]);
      }
      this.#readers.set(queue, reader);
    }
    return { queue, topic, temporary: group === undefined };
  }

  async #close(): Promise<void> {
    try {
      await this.#open.close();
    } finally {
      await this.#wayBack.close();
      await this.#link.close();
    }
  }
}
