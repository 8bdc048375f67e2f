import { isIP } from "node:net";
import { type API, apiVersionsV3, Connection, type ConnectionOptions } from "@platformatic/kafka";
import { MillraceError } from "millrace";
import type { BrokerAddress } from "../connection-options.ts";
import { connectionError } from "../kafka-error.ts";

/** What every broker can do: request key → newest version. Shared by all links of a cluster. */
export type KnownVersions = Map<string, ReadonlyMap<number, number>>;

export interface LinkRules {
  readonly clientId: string;
  readonly options: Readonly<ConnectionOptions>;
  readonly versions: KnownVersions;
  address(broker: BrokerAddress): BrokerAddress;
}

interface Link {
  readonly connection: Connection;
  readonly ready: Promise<void>;
}

/**
 * Connections to brokers, one each, for one purpose: a request that waits at the broker (fetch, join) holds up everything
 * behind it on its connection. A connection that breaks is forgotten; the next call makes another.
 */
export class BrokerLinks {
  readonly #rules: LinkRules;
  readonly #links: Map<string, Link> = new Map();
  #closed = false;

  constructor(rules: LinkRules) {
    this.#rules = rules;
  }

  /** Connects unless that is done. Rejects with `BROKER_UNREACHABLE` or `AUTHENTICATION_FAILED`: then nothing was sent. */
  async connect(broker: BrokerAddress): Promise<Connection> {
    const { host, port } = this.#rules.address(broker);
    const key = `${host}:${port}`;
    if (this.#closed) throw new MillraceError(`${key}: the connections are closed`, { code: "CLOSED" });
    let link = this.#links.get(key);
    if (link === undefined || isDead(link.connection)) {
      link = this.#open(host, port, key);
      this.#links.set(key, link);
    }
    await link.ready;
    return link.connection;
  }

  /** The connection to that broker where it is there, and may be used at once. */
  connected(broker: BrokerAddress): Connection | undefined {
    const { host, port } = this.#rules.address(broker);
    const key = `${host}:${port}`;
    const connection = this.#links.get(key)?.connection;
    return connection?.isConnected() === true && this.#rules.versions.has(key) ? connection : undefined;
  }

  /** Sends one request and resolves with the answer, error codes and all. Rejects when there was none. */
  async call<Args extends unknown[], Answer>(broker: BrokerAddress, versions: readonly API<Args, Answer>[], ...args: Args): Promise<Answer> {
    const connection = await this.connect(broker);
    return await this.send(connection, versions, ...args);
  }

  send<Args extends unknown[], Answer>(connection: Connection, versions: readonly API<Args, Answer>[], ...args: Args): Promise<Answer> {
    const key = `${connection.host}:${connection.port}`;
    const api = this.#pick(key, versions);
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, answer?: Answer): void => {
        if (error === null || error === undefined) resolve(answer as Answer);
        else {
          // The client rejects an answer with any error code in it; the codes are ours to read, one by one.
          const { response } = error as { response?: Answer };
          if (response === undefined || response === null) reject(connectionError(error, key));
          else resolve(response);
        }
      };
      (api as unknown as (connection: Connection, ...rest: unknown[]) => void)(connection, ...args, done);
    });
  }

  /** True while a connection to that broker is there. */
  has(broker: BrokerAddress): boolean {
    const { host, port } = this.#rules.address(broker);
    const link = this.#links.get(`${host}:${port}`);
    return link?.connection.isConnected() === true;
  }

  /** Ends every connection now: nobody waits for a peer that may be gone. */
  close(): void {
    this.#closed = true;
    for (const { connection } of this.#links.values()) end(connection);
    this.#links.clear();
  }

  #pick<Args extends unknown[], Answer>(key: string, versions: readonly API<Args, Answer>[]): API<Args, Answer> {
    const known = this.#rules.versions.get(key);
    for (const api of versions) if (known === undefined || api.version <= (known.get(api.key) ?? -1)) return api;
    const oldest = versions.at(-1);
    throw new MillraceError(`${key} is too old: it does not know version ${oldest?.version} of request ${oldest?.key}`, { code: "BROKER_TOO_OLD" });
  }

  #open(host: string, port: number, key: string): Link {
    const { clientId, options } = this.#rules;
    // An address has no name to be told to the broker; its certificate is checked against it all the same.
    const tlsServerName = isIP(host) === 0 && options.tls?.servername === undefined;
    const connection = new Connection(clientId, { ...options, tlsServerName }); // the client writes to its options
    const forget = (): void => {
      if (this.#links.get(key)?.connection === connection) this.#links.delete(key);
    };
    connection.on("error", forget); // without a listener an error would end the process
    connection.on("close", forget);
    const ready = this.#greet(connection, host, port, key);
    ready.catch(() => {
      forget();
      end(connection);
    });
    return { connection, ready };
  }

  async #greet(connection: Connection, host: string, port: number, key: string): Promise<void> {
    try {
      await connection.connect(host, port);
      if (this.#rules.versions.has(key)) return;
      const { apiKeys } = await apiVersionsV3.api.async(connection, "millrace", "1");
      this.#rules.versions.set(key, new Map(apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion])));
    } catch (error) {
      throw connectionError(error, key);
    }
  }
}

function isDead(connection: Connection): boolean {
  return connection.status === "closed" || connection.status === "closing" || connection.status === "error";
}

function end(connection: Connection): void {
  Promise.resolve(connection.close()).catch(() => {});
  connection.socket?.destroy();
}
