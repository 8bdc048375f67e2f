import { join } from "node:path";
import { OptionError } from "millrace";
import type { Config, ProcessName } from "./config.ts";
import { type ConfigFile, readConfigFile } from "./config-file.ts";

export interface LoadConfigOptions {
  /** The path given with `--config`. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The one service that is to run, when it is not all of them. */
  readonly alone?: ProcessName | undefined;
}

const PORTS: Readonly<Record<ProcessName, number>> = { events: 8181, bookings: 8282, page: 8383 };

/**
 * The configuration: defaults, over them the file, over it the environment (`EVENTS_PORT`, `BOOKINGS_PORT`, `PAGE_PORT`,
 * `LISTEN_HOST`, `DATA_DIR`, `BROKER_URL`, `EVENTS_URL`, `BOOKINGS_URL`; the seed's `AMQP_URL` and `KAFKA_BROKERS`).
 *
 * Throws an `OptionError` (`BAD_OPTION`) that lists everything wrong.
 */
export function loadConfig({ file: path, env, alone }: LoadConfigOptions): Config {
  const file = path === undefined ? {} : readConfigFile(path);
  const problems: string[] = [];
  const endpoint = ownEndpoint(file, alone, problems);
  const portOf = (name: ProcessName, inFile: number | undefined): number => {
    const variable = `${name.toUpperCase()}_PORT`;
    const given = set(env[variable]);
    if (given === undefined) return (name === alone ? endpoint?.port : undefined) ?? inFile ?? PORTS[name];
    if (!/^\d{1,5}$/.test(given) || Number(given) > 65_535) problems.push(`${variable} must be a port from 0 to 65535, got ${JSON.stringify(given)}`);
    return Number(given);
  };
  const ports = { events: portOf("events", file.events_port), bookings: portOf("bookings", file.bookings_port), page: portOf("page", file.page_port) };
  const host = set(env.LISTEN_HOST) ?? endpoint?.host ?? file.host ?? "127.0.0.1";
  const dataDir = set(env.DATA_DIR) ?? file.data_dir ?? "data";
  const databaseOf = (name: ProcessName): string => (name === alone ? file.dbconnection : undefined) ?? join(dataDir, `${name}.db`);
  if (problems.length > 0) throw new OptionError("MyEvents configuration", problems);
  return {
    host,
    ports,
    dataDir,
    databases: { events: databaseOf("events"), bookings: databaseOf("bookings") },
    brokerUrl: brokerOf(file, env) ?? `sqlite:${join(dataDir, "broker.db")}`,
    serviceUrls: {
      events: set(env.EVENTS_URL) ?? `http://${reachable(host)}:${ports.events}`,
      bookings: set(env.BOOKINGS_URL) ?? `http://${reachable(host)}:${ports.bookings}`,
    },
  };
}

/** The environment first, then the file; in each the general name before the seed's own for one broker. */
function brokerOf(file: ConfigFile, env: LoadConfigOptions["env"]): string | undefined {
  const kafka = set(env.KAFKA_BROKERS);
  return (
    set(env.BROKER_URL) ??
    set(env.AMQP_URL) ??
    (kafka === undefined ? undefined : `kafka://${kafka}`) ??
    file.broker_url ??
    file.amqp_message_broker ??
    (file.kafka_message_brokers === undefined ? undefined : `kafka://${file.kafka_message_brokers.join(",")}`)
  );
}

/** The seed's file is one service's own: its endpoint and its database make no sense for two at once. */
function ownEndpoint(file: ConfigFile, alone: ProcessName | undefined, problems: string[]): { readonly host: string; readonly port: number } | undefined {
  if (alone === undefined) {
    for (const key of ["restfulapi_endpoint", "dbconnection"] as const) {
      if (file[key] !== undefined) problems.push(`${key} belongs to one service: start it alone, or use events_port, bookings_port, page_port and data_dir`);
    }
    return undefined;
  }
  if (file.restfulapi_endpoint === undefined) return undefined;
  const colon = file.restfulapi_endpoint.lastIndexOf(":");
  const host = file.restfulapi_endpoint.slice(0, colon);
  const port = Number(file.restfulapi_endpoint.slice(colon + 1));
  if (port > 65_535) problems.push(`restfulapi_endpoint must have a port up to 65535, got ${port}`);
  // Go listens on every address when the host is left out; here that has to be said.
  return { host: host === "" || host === "localhost" ? "127.0.0.1" : host, port };
}

/** Where one reaches, on this machine, what listens on `host`. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** An empty variable counts as not set. */
function set(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === "" ? undefined : value.trim();
}
