import { type Capabilities, type Logger, silentLogger } from "millrace";
import { guarded } from "millrace/adapter";
import { parseAddress } from "./address.ts";
import { capabilitiesOf } from "./capabilities.ts";
import { correlatingCodec, type RabbitMqCodec, watermillCodec } from "./codec.ts";
import { DelaySteps } from "./delay/delay-steps.ts";
import { Link } from "./link.ts";
import type { LinkRules } from "./open-link.ts";
import { RABBITMQ_DEFAULTS, type RabbitMqPublisherOptions, type RabbitMqPubSubOptions } from "./options.ts";
import { Outbound } from "./outbound.ts";
import { provideExchange, tryExchange } from "./provision.ts";
import { pubSubTopology, queueTopology, type RabbitMqTopology } from "./topology.ts";

/** The options with their defaults, and what is made of them. */
export interface Settings {
  readonly options: RabbitMqPubSubOptions;
  readonly capabilities: Capabilities;
  readonly topology: RabbitMqTopology;
  readonly codec: RabbitMqCodec;
  readonly link: LinkRules;
  readonly logger: Logger;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
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
    logger: guarded(options.logger ?? silentLogger),
    reconnectMinMs: options.reconnectMinMs ?? RABBITMQ_DEFAULTS.reconnectMinMs,
    reconnectMaxMs: options.reconnectMaxMs ?? RABBITMQ_DEFAULTS.reconnectMaxMs,
  };
}

/** What sends, and the connection it sends over: its own, for a broker that is short of memory stops listening to it. */
export function outboundOf(settings: Settings, purpose: string): { readonly outbound: Outbound; readonly link: Link } {
  const options: RabbitMqPublisherOptions = settings.options;
  const { topology, codec, logger, reconnectMinMs, reconnectMaxMs } = settings;
  const link = new Link(settings.link, purpose, logger);
  const outbound = new Outbound(link, {
    steps: new DelaySteps(link, { logger, reconnectMinMs, reconnectMaxMs }),
    window: options.confirmWindow ?? RABBITMQ_DEFAULTS.confirmWindow,
    windowBytes: options.confirmWindowBytes ?? RABBITMQ_DEFAULTS.confirmWindowBytes,
    timeoutMs: options.publishTimeoutMs ?? RABBITMQ_DEFAULTS.publishTimeoutMs,
    maxWaiting: options.maxWaiting ?? RABBITMQ_DEFAULTS.maxWaiting,
    maxWaitingBytes: options.maxWaitingBytes ?? RABBITMQ_DEFAULTS.maxWaitingBytes,
    reconnectMinMs,
    reconnectMaxMs,
    logger,
    idOf: ({ content, properties }) => {
      try {
        return codec.decode(content, properties).id;
      } catch {
        return undefined;
      }
    },
    prepare: async (channel, exchange) => {
      await tryExchange(link, exchange, topology, options);
      await provideExchange(channel, exchange, topology, options);
    },
  });
  return { outbound, link };
}
