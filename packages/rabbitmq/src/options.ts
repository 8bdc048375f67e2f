import type { SocketOptions } from "amqplib";
import type { Logger } from "millrace";
import { BACKOFF_NAMES, type Backoff, type BackoffOptions, checkBackoff, checkSharedOptions, OptionCheck, type OptionNames } from "millrace/adapter";
import { parseAddress } from "./address.ts";
import type { RabbitMqCodec } from "./codec.ts";
import { isExchangeType } from "./exchange-type.ts";
import type { RabbitMqTopology } from "./topology.ts";

export interface ConnectionOptions {
  /** `amqp://user:password@host:port/vhost`, or `amqps:`; several for the nodes of a cluster, tried in turn. */
  readonly url: string | readonly string[];
  /** Shown in the broker's list of connections. Default `"millrace"`. */
  readonly connectionName?: string | undefined;
  /** How long connecting may take. Default 4,000 ms. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long a connection may be silent before it is given up; the broker is asked to speak twice as often. Default 10,000 ms. */
  readonly heartbeatMs?: number | undefined;
  /** First and longest wait between two tries to connect. Default `{ minDelayMs: 100, maxDelayMs: 4_000 }`. */
  readonly reconnect?: BackoffOptions | undefined;
  /** Passed on to the socket: TLS keys and certificates, `credentials` of amqplib. */
  readonly socket?: SocketOptions | undefined;
}

export interface ExchangeOptions {
  /** The broker deletes it with its last binding. Default false. */
  readonly autoDelete?: boolean | undefined;
  /** Takes what no queue takes. */
  readonly alternateExchange?: string | undefined;
  readonly arguments?: Readonly<Record<string, unknown>> | undefined;
}

export interface QueueOptions {
  /** `"quorum"` keeps a copy on several nodes. Default `"classic"`, as Watermill declares it. */
  readonly type?: "classic" | "quorum" | undefined;
  /** Where the broker puts what expires, overflows, or is rejected by `onUndecodable: "reject"`. */
  readonly deadLetterExchange?: string | undefined;
  readonly deadLetterRoutingKey?: string | undefined;
  /** Quorum queues: how often the broker delivers before it gives up. Default 1,000,000: giving up is the router's trade. */
  readonly deliveryLimit?: number | undefined;
  /** The broker deletes the queue when nobody has used it for so long. */
  readonly expiresMs?: number | undefined;
  /** Overrides the broker's `consumer_timeout` for this queue (RabbitMQ 3.12 or newer). */
  readonly consumerTimeoutMs?: number | undefined;
  readonly arguments?: Readonly<Record<string, unknown>> | undefined;
}

interface SharedOptions extends ConnectionOptions {
  /** `"pubsub"` (default), `"queue"`, or one made by `pubSubTopology`, `queueTopology`, `topicExchangeTopology`, or by yourself. */
  readonly topology?: "pubsub" | "queue" | RabbitMqTopology | undefined;
  /** `"watermill"` (default), `"correlating"`, or one of your own. */
  readonly codec?: "watermill" | "correlating" | RabbitMqCodec | undefined;
  /** `"create"` (default) declares exchanges, queues and bindings; `"verify"` only looks whether they are there; `"off"` does not look. */
  readonly provision?: "create" | "verify" | "off" | undefined;
  readonly exchange?: ExchangeOptions | undefined;
  readonly queue?: QueueOptions | undefined;
  /** How long publishing waits for room, for a connection and for the confirmation. Default 30,000 ms. */
  readonly publishTimeoutMs?: number | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}

export interface RabbitMqPublisherOptions extends SharedOptions {
  /** What no queue takes is an error, `UNROUTABLE`. Default true. */
  readonly mandatory?: boolean | undefined;
  /**
   * Where messages wait that are not due: at the broker, or nowhere, so that they are rejected (`DELAY_UNSUPPORTED`). The broker notes in a
   * header that is no text where they waited, which readers written with Watermill refuse. Default `"broker"`.
   */
  readonly publishDelay?: "broker" | "refuse" | undefined;
  /** Most messages of an exchange sent and not yet confirmed. Default 1,000. */
  readonly confirmWindow?: number | undefined;
  /** Bytes of those. Default 16 MiB. */
  readonly confirmWindowBytes?: number | undefined;
  /** Larger messages are refused here, `MESSAGE_TOO_LARGE`; the broker would close the channel. Default 128 MiB, as RabbitMQ. */
  readonly maxMessageBytes?: number | undefined;
  /** Messages that may wait to be confirmed; a call beyond them waits for room, beyond sixteen times as many it is refused with `BUFFER_FULL`. Default 100,000. */
  readonly maxWaiting?: number | undefined;
  /** Bytes of those. Default 256 MiB. */
  readonly maxWaitingBytes?: number | undefined;
}

export interface RabbitMqSubscriberOptions extends SharedOptions {
  /** The queue of a topic and a group, instead of the topology's. */
  readonly groupName?: ((topic: string, group: string) => string) | undefined;
  /** Where a message without order waits that was nacked: at the broker, or here with its member. Default `"broker"`. */
  readonly delay?: "broker" | "here" | undefined;
  /** What cannot be decoded, where there is no dead letter: `"delay"` it again and again, or `"reject"` it into the queue's dead-letter exchange. Default `"delay"`. */
  readonly onUndecodable?: "delay" | "reject" | undefined;
  /** How often to look whether exchange and bindings are still there. Default 15,000 ms. */
  readonly checkTopologyMs?: number | undefined;
  /** Most messages held ahead. Default 1,000. */
  readonly prefetch?: number | undefined;
  /** Most payload bytes held ahead. Default 32 MiB. */
  readonly prefetchBytes?: number | undefined;
  /** Most messages that failed or wait behind a failed one. Default 1,000. */
  readonly parkLimit?: number | undefined;
}

export interface RabbitMqPubSubOptions extends RabbitMqPublisherOptions, RabbitMqSubscriberOptions {}

const MIB = 1024 * 1024;

export const RABBITMQ_DEFAULTS: {
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly reconnect: Backoff;
  readonly publishTimeoutMs: number;
  readonly confirmWindow: number;
  readonly confirmWindowBytes: number;
  readonly maxMessageBytes: number;
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
  readonly checkTopologyMs: number;
  readonly deliveryLimit: number;
} = Object.freeze({
  connectTimeoutMs: 4_000,
  heartbeatMs: 10_000,
  reconnect: { minDelayMs: 100, maxDelayMs: 4_000 },
  publishTimeoutMs: 30_000,
  confirmWindow: 1_000,
  confirmWindowBytes: 16 * MIB,
  maxMessageBytes: 128 * MIB,
  maxWaiting: 100_000,
  maxWaitingBytes: 256 * MIB,
  checkTopologyMs: 15_000,
  deliveryLimit: 1_000_000,
});

const SHARED_NAMES: OptionNames<SharedOptions> = {
  url: true,
  connectionName: true,
  connectTimeoutMs: true,
  heartbeatMs: true,
  reconnect: true,
  socket: true,
  topology: true,
  codec: true,
  provision: true,
  exchange: true,
  queue: true,
  publishTimeoutMs: true,
  logger: true,
};

export const PUBLISHER_NAMES: OptionNames<RabbitMqPublisherOptions> = {
  ...SHARED_NAMES,
  mandatory: true,
  publishDelay: true,
  confirmWindow: true,
  confirmWindowBytes: true,
  maxMessageBytes: true,
  maxWaiting: true,
  maxWaitingBytes: true,
};

export const SUBSCRIBER_NAMES: OptionNames<RabbitMqSubscriberOptions> = {
  ...SHARED_NAMES,
  groupName: true,
  delay: true,
  onUndecodable: true,
  checkTopologyMs: true,
  prefetch: true,
  prefetchBytes: true,
  parkLimit: true,
};

export const PUB_SUB_NAMES: OptionNames<RabbitMqPubSubOptions> = { ...PUBLISHER_NAMES, ...SUBSCRIBER_NAMES };

const QUEUE_NAMES: OptionNames<QueueOptions> = {
  type: true,
  deadLetterExchange: true,
  deadLetterRoutingKey: true,
  deliveryLimit: true,
  expiresMs: true,
  consumerTimeoutMs: true,
  arguments: true,
};

/** Throws `OptionError` with everything that is wrong. */
export function checkOptions<Options extends RabbitMqPubSubOptions>(subject: string, options: Options, names: OptionNames<Options>): void {
  const check = new OptionCheck(subject).known<Options>(options, names).required("url", options.url);
  for (const url of options.url === undefined ? [] : [options.url].flat()) {
    const parsed = parseAddress(url);
    if (typeof parsed === "string") check.that(false, parsed);
  }
  check.that(!Array.isArray(options.url) || options.url.length > 0, "url must name at least one node");
  const { topology, codec, queue } = options;
  if (typeof topology !== "object") check.oneOf("topology", topology, ["pubsub", "queue"]);
  else {
    check.methods("topology", topology, ["exchange", "publishKey", "bindKey", "queue"]).call("topology.bindArguments", topology?.bindArguments);
    const type = topology?.exchangeType;
    check.that(isExchangeType(type), `topology.exchangeType must be one of direct, fanout, headers, topic, or a plugin's, x-…, got ${JSON.stringify(type)}`);
  }
  if (typeof codec !== "object") check.oneOf("codec", codec, ["watermill", "correlating"]);
  else check.methods("codec", codec, ["encode", "decode"]);
  checkBackoff(checkSharedOptions(check, options), options.reconnect, "reconnect")
    .text("connectionName", options.connectionName)
    .duration("connectTimeoutMs", options.connectTimeoutMs, { min: 1 })
    .duration("heartbeatMs", options.heartbeatMs, { min: 2_000 })
    .known(options.reconnect, BACKOFF_NAMES, "reconnect")
    .oneOf("provision", options.provision, ["create", "verify", "off"])
    .duration("publishTimeoutMs", options.publishTimeoutMs, { min: 1 })
    .flag("mandatory", options.mandatory)
    .oneOf("publishDelay", options.publishDelay, ["broker", "refuse"])
    .integer("confirmWindow", options.confirmWindow, { min: 1 })
    .integer("confirmWindowBytes", options.confirmWindowBytes, { min: 1 })
    .integer("maxMessageBytes", options.maxMessageBytes, { min: 1 })
    .integer("maxWaiting", options.maxWaiting, { min: 1 })
    .integer("maxWaitingBytes", options.maxWaitingBytes, { min: 1 })
    .call("groupName", options.groupName)
    .oneOf("delay", options.delay, ["broker", "here"])
    .oneOf("onUndecodable", options.onUndecodable, ["delay", "reject"])
    .duration("checkTopologyMs", options.checkTopologyMs, { min: 100 })
    .known(options.exchange, { autoDelete: true, alternateExchange: true, arguments: true }, "exchange")
    .known(queue, QUEUE_NAMES, "queue")
    .oneOf("queue.type", queue?.type, ["classic", "quorum"])
    .integer("queue.deliveryLimit", queue?.deliveryLimit, { min: 1 })
    .duration("queue.expiresMs", queue?.expiresMs, { min: 1 })
    .duration("queue.consumerTimeoutMs", queue?.consumerTimeoutMs, { min: 1 })
    .text("queue.deadLetterExchange", queue?.deadLetterExchange)
    .that(queue?.deliveryLimit === undefined || queue.type === "quorum", "queue.deliveryLimit needs queue.type quorum")
    .done();
}
