import type { ConnectionOptions, metadataV12 } from "@platformatic/kafka";
import { type Logger, MillraceError } from "millrace";
import { guarded, sleep } from "millrace/adapter";
import { type BrokerAddress, bootstrapOf, CONNECTION_DEFAULTS, type KafkaConnectionOptions, saslOf } from "../connection-options.ts";
import { brokerError, errorId } from "../kafka-error.ts";
import { FIND_COORDINATOR, METADATA } from "./apis.ts";
import { BrokerLinks, type KnownVersions } from "./broker-links.ts";

export interface TopicInfo {
  readonly name: string;
  readonly id: string;
  /** Leader of each partition, −1 where there is none at the moment. */
  readonly leaders: readonly number[];
}

const COORDINATOR_TRIES = 50;
const COORDINATOR_RETRY_MS = 100;
const RETRIED: readonly string[] = ["COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS"];

/** What is known of a cluster: its brokers, its topics, and a connection to ask for more. */
export class Cluster {
  readonly logger: Logger;
  readonly requestTimeoutMs: number;
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #clientId: string;
  readonly #options: ConnectionOptions;
  readonly #versions: KnownVersions = new Map();
  readonly #address: (broker: BrokerAddress) => BrokerAddress;
  readonly asking: BrokerLinks;
  readonly #topics: Map<string, TopicInfo> = new Map();
  #brokers: ReadonlyMap<number, BrokerAddress> = new Map();
  #controller: number | undefined;

  constructor(options: KafkaConnectionOptions) {
    this.#bootstrap = bootstrapOf(options);
    this.#clientId = options.clientId ?? CONNECTION_DEFAULTS.clientId;
    this.logger = guarded(options.logger);
    this.requestTimeoutMs = options.requestTimeoutMs ?? CONNECTION_DEFAULTS.requestTimeoutMs;
    this.#address = options.brokerAddress ?? ((address) => address);
    const { tls } = options;
    const sasl = saslOf(options);
    this.#options = {
      connectTimeout: options.connectTimeoutMs ?? CONNECTION_DEFAULTS.connectTimeoutMs,
      requestTimeout: this.requestTimeoutMs,
      ...(tls === undefined || tls === false ? {} : { tls: tls === true ? {} : { ...tls } }),
      ...(sasl === undefined ? {} : { sasl: { ...sasl } as NonNullable<ConnectionOptions["sasl"]> }),
    };
    this.asking = this.links();
  }

  /** Connections of their own, for one purpose. The caller closes them. */
  links(options: { readonly requestTimeoutMs?: number; readonly atOnce?: number } = {}): BrokerLinks {
    return new BrokerLinks({
      clientId: this.#clientId,
      options: {
        ...this.#options,
        requestTimeout: options.requestTimeoutMs ?? this.requestTimeoutMs,
        maxInflights: options.atOnce ?? 8,
      },
      versions: this.#versions,
      address: this.#address,
    });
  }

  get brokers(): ReadonlyMap<number, BrokerAddress> {
    return this.#brokers;
  }

  /** What was last heard of a topic. */
  topic(name: string): TopicInfo | undefined {
    return this.#topics.get(name);
  }

  /** The names of all topics of which something was heard. */
  get known(): readonly string[] {
    return [...this.#topics.keys()];
  }

  forget(name: string): void {
    this.#topics.delete(name);
  }

  /** Asks for topics; those that are not there are left out. Rejects with `ACCESS_DENIED`, `BAD_TOPIC`, `BROKER_UNREACHABLE`. */
  async refresh(names: readonly string[]): Promise<ReadonlyMap<string, TopicInfo>> {
    const answer = await this.#anywhere((broker) => this.asking.call(broker, METADATA, [...names], false, false));
    this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    this.#controller = answer.controllerId;
    const found = new Map<string, TopicInfo>();
    for (const topic of answer.topics) {
      const info = this.#note(topic);
      if (info !== undefined) found.set(info.name, info);
    }
    return found;
  }

  /** The names of all topics that this user may see, but for those that Kafka keeps for itself. */
  async topicNames(): Promise<readonly string[]> {
    const { topics } = await this.#anywhere((broker) => this.asking.call(broker, METADATA, null, false, false));
    return topics.flatMap(({ name, isInternal, errorCode }) => (isInternal || errorCode !== 0 || name === null || name === undefined ? [] : [name]));
  }

  /** The broker that keeps a group (0) or a transactional id (1). */
  async coordinator(kind: 0 | 1, key: string): Promise<BrokerAddress> {
    for (let attempt = 1; ; attempt++) {
      const { coordinators } = await this.#anywhere((broker) => this.asking.call(broker, FIND_COORDINATOR, kind, [key]));
      const [found] = coordinators;
      if (found?.errorCode === 0) return { host: found.host, port: found.port };
      const id = errorId(found?.errorCode ?? 15);
      if (!RETRIED.includes(id)) throw brokerError(id, key);
      // A cluster that has never had a group makes the topic for groups first.
      if (attempt === COORDINATOR_TRIES)
        throw new MillraceError(`${key}: no broker coordinates it yet (${id})`, { code: "BROKER_UNREACHABLE", retryable: true });
      await sleep(COORDINATOR_RETRY_MS);
    }
  }

  /** Calls the controller, which creates topics and may take its time, on a connection for that only. */
  async controller<Answer>(timeoutMs: number, call: (links: BrokerLinks, broker: BrokerAddress) => Promise<Answer>): Promise<Answer> {
    if (this.#controller === undefined) await this.refresh([]);
    const links = this.links({ requestTimeoutMs: timeoutMs });
    try {
      const known = this.#brokers.get(this.#controller ?? -1);
      return known === undefined ? await this.#anywhere((broker) => call(links, broker)) : await call(links, known);
    } finally {
      links.close();
    }
  }

  /** Calls any broker. */
  anyone<Answer>(call: (links: BrokerLinks, broker: BrokerAddress) => Promise<Answer>): Promise<Answer> {
    return this.#anywhere((broker) => call(this.asking, broker));
  }

  close(): void {
    this.asking.close();
  }

  #note({ name, topicId, errorCode, partitions }: metadataV12.MetadataResponse["topics"][number]): TopicInfo | undefined {
    if (name === null || name === undefined) return undefined;
    const id = errorId(errorCode);
    if (errorCode !== 0 && id !== "LEADER_NOT_AVAILABLE") {
      this.#topics.delete(name);
      if (id === "UNKNOWN_TOPIC_OR_PARTITION") return undefined;
      throw brokerError(id, `topic ${JSON.stringify(name)}`);
    }
    const leaders: number[] = [];
    for (const { partitionIndex, leaderId, errorCode: code } of partitions) leaders[partitionIndex] = code === 0 ? leaderId : -1;
    const info: TopicInfo = { name, id: topicId, leaders };
    this.#topics.set(name, info);
    return info;
  }

  /** Tries the brokers that are known, those with a connection first, then where it all began. */
  async #anywhere<Answer>(call: (broker: BrokerAddress) => Promise<Answer>): Promise<Answer> {
    const known = [...this.#brokers.values()].sort((a, b) => Number(this.asking.has(b)) - Number(this.asking.has(a)));
    let failure: unknown;
    for (const broker of [...known, ...this.#bootstrap]) {
      try {
        return await call(broker);
      } catch (error) {
        // The first failure says most; a wrong password at one broker is wrong at all.
        failure ??= error;
        if (!MillraceError.is(error) || error.code !== "BROKER_UNREACHABLE") throw error;
      }
    }
    throw failure;
  }
}
