import type { Capabilities, Logger } from "millrace";
import { type Backoff, guarded, knownBackoff } from "millrace/adapter";
import { parseAddress } from "./address.ts";
import { capabilitiesOf } from "./capabilities.ts";
import { correlatingCodec, type RabbitMqCodec, watermillCodec } from "./codec.ts";
import type { LinkRules } from "./open-link.ts";
import { RABBITMQ_DEFAULTS, type RabbitMqPubSubOptions } from "./options.ts";
import { pubSubTopology, queueTopology, type RabbitMqTopology } from "./topology.ts";

/** The options with their defaults, and what is made of them. */
export interface Settings {
  readonly options: RabbitMqPubSubOptions;
  readonly capabilities: Capabilities;
  readonly topology: RabbitMqTopology;
  readonly codec: RabbitMqCodec;
  readonly link: LinkRules;
  readonly logger: Logger;
  readonly reconnect: Backoff;
}

export function settingsOf(options: RabbitMqPubSubOptions): Settings {
  const { topology = "pubsub", codec = "watermill" } = options;
  const addresses = [options.url].flat().map((url) => {
    const parsed = parseAddress(url);
    if (typeof parsed === "string") throw new TypeError(parsed);
    return parsed;
  });
  const chosen = typeof topology === "object" ? topology : topology === "pubsub" ? pubSubTopology() : queueTopology();
  return {
    options,
    capabilities: capabilitiesOf(chosen, options),
    topology: chosen,
    codec: typeof codec === "object" ? codec : codec === "watermill" ? watermillCodec() : correlatingCodec(),
    link: {
      addresses,
      connectionName: options.connectionName ?? "millrace",
      connectTimeoutMs: options.connectTimeoutMs ?? RABBITMQ_DEFAULTS.connectTimeoutMs,
      heartbeatMs: options.heartbeatMs ?? RABBITMQ_DEFAULTS.heartbeatMs,
      socket: options.socket ?? {},
    },
    logger: guarded(options.logger),
    reconnect: knownBackoff(options.reconnect ?? {}, RABBITMQ_DEFAULTS.reconnect),
  };
}
