import { OptionCheck, readBrokerUrl } from "millrace/adapter";
import { type KafkaSaslOptions, URL_RULES } from "./connection-options.ts";
import { KafkaPubSub, type KafkaPubSubOptions } from "./pub-sub.ts";
import { PUBLISHER_NAMES } from "./publisher-options.ts";
import { SUBSCRIBER_NAMES } from "./subscriber-options.ts";

type UrlOptions = Omit<KafkaPubSubOptions, "url" | "brokers">;
const { url: _url, brokers: _brokers, ...NAMES } = { ...PUBLISHER_NAMES, ...SUBSCRIBER_NAMES };
type Writable = { -readonly [Name in keyof KafkaPubSubOptions]: KafkaPubSubOptions[Name] };

const READERS: Readonly<Record<string, (value: string, options: Writable) => void>> = {
  acks: (value, options) => {
    options.acks = value as "all";
  },
  clientId: (value, options) => {
    options.clientId = value;
  },
  compression: (value, options) => {
    options.compression = value as "none";
  },
  heartbeatMs: (value, options) => {
    options.heartbeatMs = Number(value);
  },
  partitioner: (value, options) => {
    options.partitioner = value as "java";
  },
  partitions: (value, options) => {
    options.topics = { ...(typeof options.topics === "object" ? options.topics : {}), partitions: Number(value) };
  },
  provision: (value, options) => {
    options.provision = value as "create";
  },
  rebalance: (value, options) => {
    options.rebalance = value as "eager";
  },
  replicationFactor: (value, options) => {
    options.topics = { ...(typeof options.topics === "object" ? options.topics : {}), replicationFactor: Number(value) };
  },
  sasl: (value, options) => {
    options.sasl = { ...options.sasl, mechanism: value.toUpperCase() as KafkaSaslOptions["mechanism"] };
  },
  sessionTimeoutMs: (value, options) => {
    options.sessionTimeoutMs = Number(value);
  },
  tls: (value, options) => {
    options.tls = value === "true" || value === "1" || value === "";
  },
};

/**
 * A `KafkaPubSub` on the cluster that the URL names: `kafka://host:port,host2:port`, port 9092 where none is given.
 *
 * - `kafka://user:password@host` logs in by SASL, with `?sasl=plain` (default), `scram-sha-256` or `scram-sha-512`.
 * - Further parameters: `tls`, `clientId`, `provision`, `partitions`, `replicationFactor`, `partitioner`, `acks`, `compression`,
 *   `rebalance`, `sessionTimeoutMs`, `heartbeatMs`. Those of the URL win over `options`.
 *
 * Throws `OptionError` for anything else.
 *
 * ```ts
 * const bus = fromUrl("kafka://localhost:9092?partitions=6");
 * ```
 */
export function fromUrl(url: string, options: UrlOptions = {}): KafkaPubSub {
  new OptionCheck("fromUrl").known(options, NAMES).done();
  const { parameters } = readBrokerUrl("fromUrl", url, { ...URL_RULES, parameters: Object.keys(READERS) });
  const given: Writable = { ...options, url };
  for (const [name, value] of parameters) READERS[name]?.(value, given);
  return new KafkaPubSub(given);
}
