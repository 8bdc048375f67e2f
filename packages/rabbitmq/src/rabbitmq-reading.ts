import { type BrokerAdmin, type Capabilities, OptionError, type SubscribeOptions } from "millrace";
import type { Reading, SubscriberParts } from "millrace/adapter";
import { rabbitMqAdmin } from "./admin.ts";
import { capabilities } from "./capabilities.ts";
import { leaveChannel } from "./leave-channel.ts";
import { Link } from "./link.ts";
import { RABBITMQ_DEFAULTS, type RabbitMqSubscriberOptions } from "./options.ts";
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

/** What a `RabbitMqSubscriber` reads with: one connection for all subscriptions, another for what goes back. */
export class RabbitMqReading implements SubscriberParts<RabbitMqReceipt> {
  readonly admin: BrokerAdmin;
  readonly #options: RabbitMqSubscriberOptions;
  readonly #settings: Settings;
  readonly #link: Link;
  readonly #wayBack: WayBack;
  /** Queue → the topic and group it is read for here. */
  readonly #readers: Map<string, string> = new Map();
  /** The wishes of the subscriptions that are open. */
  readonly #read: Set<QueueWish> = new Set();

  constructor(options: RabbitMqSubscriberOptions) {
    this.#options = options;
    this.#settings = settingsOf(options);
    this.#link = new Link(this.#settings.link, "consume", this.#settings.logger);
    this.#wayBack = new WayBack(new Outbound("RabbitMqSubscriber", "nack", this.#settings));
    this.admin = rabbitMqAdmin({
      link: this.#link,
      topology: this.#settings.topology,
      queueOf: (topic, group) => this.#queueOf(topic, group),
      isRead: (queue) => [...this.#read].some((wish) => wish.queue === queue),
    });
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

  reading(topic: string, options: SubscribeOptions): Reading<RabbitMqReceipt> {
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
    return { source, settings, onClosed };
  }

  async provision(topic: string, options: Pick<SubscribeOptions, "group" | "from">): Promise<void> {
    const wish = options.group === undefined ? undefined : this.#wish(topic, options);
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

  async close(): Promise<void> {
    await this.#wayBack.close();
    await this.#link.close();
  }

  #queueOf(topic: string, group: string): string {
    return (this.#options.groupName ?? this.#settings.topology.queue)(topic, group);
  }

  #wish(topic: string, { group }: SubscribeOptions): QueueWish {
    const { topology } = this.#settings;
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
}
