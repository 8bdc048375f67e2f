import type { Logger } from "millrace";
import { type BrokerUrlRules, type OptionCheck, type OptionNames, parseBrokerUrl, parseHost } from "millrace/adapter";

/** A broker's address as it is connected to. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** SASL, handed to the client as it is. `username`, `password` and `token` may be functions, asked at every connection. */
export interface KafkaSaslOptions {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" | "OAUTHBEARER";
  readonly username?: string | (() => string | Promise<string>) | undefined;
  readonly password?: string | (() => string | Promise<string>) | undefined;
  readonly token?: string | (() => string | Promise<string>) | undefined;
}

/** How to reach a cluster. */
export interface KafkaConnectionOptions {
  /**
   * `kafka://host:port,host2:port`: where to begin; the cluster names its other brokers itself. `kafka://user:password@host` logs in by
   * SASL, `PLAIN` where `sasl` says no other mechanism.
   */
  readonly url?: string | undefined;
  /** Instead of `url`: `["host:port", …]`. */
  readonly brokers?: readonly string[] | undefined;
  /** Shown in the broker's logs and quotas. Default `"millrace"`. */
  readonly clientId?: string | undefined;
  /** Options of Node's `tls.connect`, or `true` for its defaults. */
  readonly tls?: boolean | Readonly<Record<string, unknown>> | undefined;
  readonly sasl?: KafkaSaslOptions | undefined;
  /** Default 3,000 ms. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long one request may take before its connection is given up as dead. Default 5,000 ms. */
  readonly requestTimeoutMs?: number | undefined;
  /** Changes the addresses that the cluster advertises: for tunnels, port forwarding and proxies. */
  readonly brokerAddress?: ((address: BrokerAddress) => BrokerAddress) | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}

/** The options of a connection, for the names of whoever has them among its own. */
export const CONNECTION_NAMES: OptionNames<KafkaConnectionOptions> = {
  url: true,
  brokers: true,
  clientId: true,
  tls: true,
  sasl: true,
  connectTimeoutMs: true,
  requestTimeoutMs: true,
  brokerAddress: true,
  logger: true,
};

export const CONNECTION_DEFAULTS: { readonly clientId: string; readonly connectTimeoutMs: number; readonly requestTimeoutMs: number } = Object.freeze({
  clientId: "millrace",
  connectTimeoutMs: 3_000,
  requestTimeoutMs: 5_000,
});

const PORT = 9092;
export const URL_RULES: BrokerUrlRules = { schemes: { kafka: PORT }, example: "kafka://host:9092,host2:9092" };

/** Adds to `check` what is wrong with the connection's options. */
export function checkConnection(check: OptionCheck, options: KafkaConnectionOptions): OptionCheck {
  const { url, brokers, sasl, tls } = options;
  check.known(sasl, { mechanism: true, username: true, password: true, token: true }, "sasl");
  check.that((url === undefined) !== (brokers === undefined), "give either url or brokers");
  const problems: string[] = [];
  if (url !== undefined) parseBrokerUrl(url, URL_RULES, problems);
  for (const problem of problems) check.that(false, problem);
  const known = brokers === undefined || (Array.isArray(brokers) && brokers.length > 0 && brokers.every((each) => parseHost(each, PORT) !== undefined));
  check.that(known, 'brokers must be a list of "host:port"');
  check.that(tls === undefined || typeof tls === "boolean" || (typeof tls === "object" && tls !== null), "tls must be true, false or options of tls.connect");
  check.oneOf("sasl.mechanism", sasl === undefined ? undefined : (sasl?.mechanism ?? null), ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]);
  return check
    .text("clientId", options.clientId)
    .duration("connectTimeoutMs", options.connectTimeoutMs, { min: 1 })
    .duration("requestTimeoutMs", options.requestTimeoutMs, { min: 100 })
    .call("brokerAddress", options.brokerAddress);
}

/** Where to begin. Call it with checked options only. */
export function bootstrapOf(options: KafkaConnectionOptions): readonly BrokerAddress[] {
  if (options.brokers === undefined) return parseBrokerUrl(options.url, URL_RULES)?.hosts ?? [];
  return options.brokers.map((text) => parseHost(text, PORT)).filter((address) => address !== undefined);
}

/** How to log in: as `sasl` says, with the name and the password of the URL where it has some. */
export function saslOf(options: KafkaConnectionOptions): KafkaSaslOptions | undefined {
  const { username, password } = parseBrokerUrl(options.url, URL_RULES) ?? {};
  return username === undefined ? options.sasl : { mechanism: "PLAIN", ...options.sasl, username, password };
}
