import { type Logger, OptionError } from "millrace";
import { OptionCheck, readBrokerUrl } from "millrace/adapter";
import { URL_RULES } from "./address.ts";
import type { RabbitMqPubSubOptions } from "./options.ts";
import { RabbitMqPubSub } from "./pub-sub.ts";
import { pubSubTopology, queueTopology, type RabbitMqTopology, topicExchangeTopology } from "./topology.ts";

const KNOWN = ["topology", "exchange", "exchangeDurable", "durable", "codec", "queueType", "publishDelay", "heartbeatMs", "name"];

/**
 * A `RabbitMqPubSub` for `amqp://user:password@host:port/vhost` or `amqps:`. Parameters: `topology=pubsub|queue|topic` (with
 * `exchange=…` for `topic`, and `exchangeDurable=false` for Watermill's), `durable=false`, `codec=correlating`, `queueType=quorum`, `publishDelay=refuse`, `heartbeatMs`, `name` of the connection.
 * Throws `OptionError` for anything else.
 *
 * ```ts
 * const bus = fromUrl("amqp://localhost/?topology=queue");
 * ```
 */
export function fromUrl(url: string, options: { readonly logger?: Logger | undefined } = {}): RabbitMqPubSub {
  new OptionCheck("fromUrl").known(options, { logger: true }).done();
  const query = readBrokerUrl("fromUrl", url, { ...URL_RULES, parameters: KNOWN }).parameters;
  const problems: string[] = [];
  const one = (name: string, allowed: readonly string[]): string | undefined => {
    const value = query.get(name);
    if (value !== undefined && !allowed.includes(value)) problems.push(`${name} must be one of ${allowed.join(", ")}, got ${JSON.stringify(value)}`);
    return value;
  };
  const topology = one("topology", ["pubsub", "queue", "topic"]) ?? "pubsub";
  const durable = one("durable", ["true", "false"]) !== "false";
  const codec = one("codec", ["watermill", "correlating"]) as RabbitMqPubSubOptions["codec"];
  const type = one("queueType", ["classic", "quorum"]) as "classic" | "quorum" | undefined;
  const publishDelay = one("publishDelay", ["broker", "refuse"]) as RabbitMqPubSubOptions["publishDelay"];
  const exchangeDurable = one("exchangeDurable", ["true", "false"]);
  const exchange = query.get("exchange");
  if (topology === "topic" && exchange === undefined) problems.push("topology=topic needs exchange");
  if (topology !== "topic" && exchange !== undefined) problems.push("exchange needs topology=topic");
  if (topology !== "topic" && exchangeDurable !== undefined) problems.push("exchangeDurable needs topology=topic");
  if (problems.length > 0) throw new OptionError("fromUrl", problems);
  const heartbeat = query.get("heartbeatMs");
  return new RabbitMqPubSub({
    url: url.split("?", 1)[0] as string,
    topology:
      topology === "topic"
        ? topicTopology(exchange ?? "", durable, exchangeDurable)
        : topology === "queue"
          ? queueTopology({ durable })
          : pubSubTopology({ durable }),
    codec,
    queue: type === undefined ? undefined : { type },
    publishDelay,
    heartbeatMs: heartbeat === undefined ? undefined : Number(heartbeat),
    connectionName: query.get("name"),
    logger: options.logger,
  });
}

function topicTopology(exchange: string, durable: boolean, exchangeDurable: string | undefined): RabbitMqTopology {
  return topicExchangeTopology({ exchange, durable, exchangeDurable: exchangeDurable === undefined ? undefined : exchangeDurable === "true" });
}
