import { OptionCheck } from "millrace/adapter";

/** Which exchange, routing keys and queues belong to a topic and a group. */
export interface RabbitMqTopology {
  /** For texts: `"pubsub"`. */
  readonly name: string;
  /** The exchange of a topic; `""` is the default exchange, which sends to the queue that the routing key names. */
  exchange(topic: string): string;
  /** `"direct"`, `"fanout"`, `"headers"`, `"topic"`, or one of a plugin, `"x-…"`. */
  readonly exchangeType: string;
  readonly exchangeDurable: boolean;
  readonly queueDurable: boolean;
  /** Messages survive a restart of the broker, in durable queues. */
  readonly persistent: boolean;
  publishKey(topic: string): string;
  bindKey(topic: string): string;
  /** Arguments of the binding: what an exchange of type `headers` looks for, `{ "x-match": "any", tenant: "acme" }`. Default: none. */
  bindArguments?(topic: string): Readonly<Record<string, unknown>>;
  queue(topic: string, group: string): string;
  /** A topic has one queue, so one group; reading without a group is not possible. */
  readonly oneGroup: boolean;
  /** Subscribing to a pattern is possible; `delivery.topic` is then the routing key. */
  readonly patterns: boolean;
}

export interface TopologyOptions {
  /** Survive a restart of the broker. Default true. */
  readonly durable?: boolean | undefined;
}

export interface TopicExchangeOptions extends TopologyOptions {
  /** The one exchange, of type `topic`. */
  readonly exchange: string;
  /** Default: as `durable`. Watermill's `NewDurableTopicConfig` makes it `false`, beside queues that are durable: so it is to be where the two share an exchange. */
  readonly exchangeDurable?: boolean | undefined;
}

function durableOf(subject: string, options: TopologyOptions): boolean {
  new OptionCheck(subject).known(options, { durable: true }).flag("durable", options.durable).done();
  return options.durable ?? true;
}

/**
 * Watermill's pub/sub: a fanout exchange named as the topic, a queue `topic_group` for each group. The default.
 * What is published before a group exists is not kept for it.
 */
export function pubSubTopology(options: TopologyOptions = {}): RabbitMqTopology {
  const durable = durableOf("pubSubTopology", options);
  return {
    name: "pubsub",
    exchange: (topic) => topic,
    exchangeType: "fanout",
    exchangeDurable: durable,
    queueDurable: durable,
    persistent: durable,
    publishKey: () => "",
    bindKey: () => "",
    queue: (topic, group) => `${topic}_${group}`,
    oneGroup: false,
    patterns: false,
  };
}

/** Watermill's queue: one queue named as the topic, written to through the default exchange; all its readers are one group. */
export function queueTopology(options: TopologyOptions = {}): RabbitMqTopology {
  const durable = durableOf("queueTopology", options);
  return {
    name: "queue",
    exchange: () => "",
    exchangeType: "direct",
    exchangeDurable: true,
    queueDurable: durable,
    persistent: durable,
    publishKey: (topic) => topic,
    bindKey: (topic) => topic,
    queue: (topic) => topic,
    oneGroup: true,
    patterns: false,
  };
}

/**
 * One topic exchange for all topics: a topic is a routing key when publishing, and may be a pattern when subscribing
 * (`order.*`, `order.#`). The queue is `pattern_group`.
 */
export function topicExchangeTopology(options: TopicExchangeOptions): RabbitMqTopology {
  const check = new OptionCheck("topicExchangeTopology").known(options, { exchange: true, durable: true, exchangeDurable: true });
  const { exchange, durable = true, exchangeDurable = durable } = options;
  check.required("exchange", exchange).text("exchange", exchange).flag("durable", options.durable).flag("exchangeDurable", options.exchangeDurable).done();
  return {
    name: "topic-exchange",
    exchange: () => exchange,
    exchangeType: "topic",
    exchangeDurable,
    queueDurable: durable,
    persistent: durable,
    publishKey: (topic) => topic,
    bindKey: (topic) => topic,
    queue: (topic, group) => `${topic}_${group}`,
    oneGroup: false,
    patterns: true,
  };
}
