import type { Channel } from "amqplib";
import { tryExchangeType } from "./exchange-type.ts";
import type { Link } from "./link.ts";
import { RABBITMQ_DEFAULTS, type RabbitMqPubSubOptions } from "./options.ts";
import type { RabbitMqTopology } from "./topology.ts";

export type ProvisionOptions = Pick<RabbitMqPubSubOptions, "provision" | "exchange" | "queue">;

/** Declares the exchange, or looks whether it is there, as `provision` says. */
export async function provideExchange(channel: Channel, name: string, topology: RabbitMqTopology, options: ProvisionOptions): Promise<void> {
  const { provision = "create", exchange = {} } = options;
  if (name === "" || provision === "off") return;
  if (provision === "verify") {
    await channel.checkExchange(name);
    return;
  }
  const { autoDelete = false, alternateExchange } = exchange;
  await channel.assertExchange(name, topology.exchangeType, {
    durable: topology.exchangeDurable,
    autoDelete,
    arguments: { ...exchange.arguments, ...(alternateExchange === undefined ? {} : { "alternate-exchange": alternateExchange }) },
  });
}

/** Declares an exchange of a type that the broker may not know, before anybody is there whom that could hurt. */
export async function tryExchange(link: Link, name: string, topology: RabbitMqTopology, options: ProvisionOptions): Promise<void> {
  if (name === "" || (options.provision ?? "create") !== "create") return;
  await tryExchangeType(link, topology.exchangeType, (channel) => provideExchange(channel, name, topology, options));
}

export interface QueueWish {
  readonly queue: string;
  readonly topic: string;
  /** Of one subscription without a group: gone some time after its reader. */
  readonly temporary: boolean;
}

/** How long the queue of a reader without a group outlives a cut. */
const TEMPORARY_EXPIRES_MS = 5 * 60_000;

/** Declares the queue and binds it, or looks whether it is there. A temporary queue is always declared. */
export async function provideQueue(
  channel: Channel,
  { queue, topic, temporary }: QueueWish,
  topology: RabbitMqTopology,
  options: ProvisionOptions,
): Promise<void> {
  const { provision = "create" } = options;
  const exchange = topology.exchange(topic);
  await provideExchange(channel, exchange, topology, options);
  if (provision === "create" || temporary) {
    const args = queueArguments(temporary ? { expiresMs: TEMPORARY_EXPIRES_MS } : options.queue);
    await channel.assertQueue(queue, { durable: topology.queueDurable, arguments: args });
    if (exchange !== "") await channel.bindQueue(queue, exchange, topology.bindKey(topic), topology.bindArguments?.(topic));
  } else if (provision === "verify") {
    await channel.checkQueue(queue);
  }
}

function queueArguments(queue: RabbitMqPubSubOptions["queue"] = {}): Record<string, unknown> {
  const { type, deadLetterExchange, deadLetterRoutingKey, deliveryLimit = RABBITMQ_DEFAULTS.deliveryLimit, expiresMs, consumerTimeoutMs } = queue;
  const args: Record<string, unknown> = { ...queue.arguments };
  // A classic queue is declared without its type, as Watermill does: the broker takes the two for different.
  if (type === "quorum") {
    args["x-queue-type"] = "quorum";
    args["x-delivery-limit"] ??= deliveryLimit;
  }
  if (deadLetterExchange !== undefined) args["x-dead-letter-exchange"] = deadLetterExchange;
  if (deadLetterRoutingKey !== undefined) args["x-dead-letter-routing-key"] = deadLetterRoutingKey;
  if (expiresMs !== undefined) args["x-expires"] = expiresMs;
  if (consumerTimeoutMs !== undefined) args["x-consumer-timeout"] = consumerTimeoutMs;
  return args;
}
